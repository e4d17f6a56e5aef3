"""The numbers at the public door are for who has the token, and for nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from visiting import Visitor

TOKEN = "t" * 40


def test_without_a_token_there_is_no_such_page(town: Any) -> None:
    assert town.visitor.get("/metrics").status == 404
    assert town.visitor.get("/metrics", Authorization="Bearer ").status == 404


@pytest.mark.parametrize("given", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"])
def test_a_wrong_token_opens_nothing(town: Any, given: str) -> None:
    page = Visitor(replace(town.house, metrics_token=TOKEN)).get("/metrics", Authorization=given)
    assert (page.status, "newsletter_" in page.text) == (401, False)
    assert page.headers["www-authenticate"] == "Bearer"


def test_the_token_opens_it(town: Any) -> None:
    page = Visitor(replace(town.house, metrics_token=TOKEN)).get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert page.status == 200
    assert 'newsletter_subscribers{state="active"} 2\n' in page.text
    assert page.headers["cache-control"].startswith("no-store")
