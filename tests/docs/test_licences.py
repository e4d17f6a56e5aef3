"""The list of licences is that of the packages that are installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest
from licences import as_markdown, locked
from pages import ROOT


def test_the_page_of_licences_is_current() -> None:
    for name, wanted in locked().items():
        try:
            if version(name) != wanted:
                pytest.skip(f"this environment has {name} {version(name)}, not {wanted} as in requirements.lock")
        except PackageNotFoundError:
            continue
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "write it again: python tests/docs/licences.py > docs/licences.md"


def test_every_licence_is_one_that_lets_others_use_the_program() -> None:
    known = ("MIT", "BSD", "0BSD", "ISC", "Apache", "MPL", "PSF", "Python", "Unlicense", "LGPL")
    rows = [line.split(" | ") for line in as_markdown().splitlines() if line.startswith("| ") and "==" not in line]
    assert [row for row in rows[1:] if not any(name in row[2] for name in known)] == []
