"""Secrets do not show, in whatever way they are written down."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.masks import Mask, Secret

KEY = 'AS_canary/0123+"é'


def test_a_secret_shows_itself_only_to_who_asks() -> None:
    secret = Secret(KEY)
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r}", f"{[secret]}"):
        assert "canary" not in shown
    assert secret.reveal() == KEY


@pytest.mark.parametrize("prefix", ["", "a", "ab", "\0user\0", "user:"])
def test_a_key_is_hidden_however_it_is_written(prefix: str) -> None:
    mask = Mask([KEY])
    in_base64 = base64.b64encode(f"{prefix}{KEY} and more".encode()).decode()
    for written in (KEY, quote(KEY, safe=""), json.dumps(KEY), in_base64):
        hidden = mask(f"before {written} after")
        assert "***" in hidden
        assert written not in hidden
        assert hidden.startswith("before ")
        assert hidden.endswith(" after")


@given(st.text(min_size=6, max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_no_text_that_went_through_the_mask_holds_the_key(key: str, before: str, after: str) -> None:
    if "*" not in key:
        assert key not in Mask([key])(before + key + after)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef"),
        ("postgresql://ada:hunter2@db/x", "hunter2"),
        ("the key AS_0123456789 is wrong", "0123456789"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "xyz"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_words_of_errors(text: str, gone: str) -> None:
    assert gone not in Mask().strictly(text)
    assert Mask()(text) == text


def test_prose_about_such_words_stays_as_it_is() -> None:
    text = "Basic understanding of the bearer market: why https://a.example/x:y@z is no login"
    assert Mask().strictly(text) == text


def test_a_short_password_is_not_hidden_in_every_other_word() -> None:
    assert Mask(["a"])("a banana") == "a banana"
