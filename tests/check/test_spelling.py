"""The dictionary is an extra; a word list of the publication's own stands beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from newsletter.check.spelling import speller
from newsletter.errors import ConfigError


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "spellchecker", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        speller("en-missing", tmp_path / "words.txt")
    assert "newsletter[spelling]" in caught.value.hint


def test_slips_are_found_and_names_code_and_numbers_are_not(tmp_path: Path) -> None:
    pytest.importorskip("spellchecker", reason="the extra spelling is not installed")
    misspelt = speller("en-GB", tmp_path / "words.txt")
    text = (
        "The wrods we recieve don’t matter; Kubernetes, kubectl-like x86, snake_case, a.b.c, me@tehre.example, readers'"
    )
    assert misspelt(text) == {"wrods": "words", "recieve": "receive"}


def test_words_of_the_list_are_right(tmp_path: Path) -> None:
    pytest.importorskip("spellchecker", reason="the extra spelling is not installed")
    words = tmp_path / "words.txt"
    words.write_text("# our words\nWrods  # a name\n\n")
    assert speller("en", words)("wrods and wrods’s recieve") == {"recieve": "receive"}
    words.write_text("")
    assert "wrods" in speller("en", words)("wrods")


def test_a_language_without_dictionary_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("spellchecker", reason="the extra spelling is not installed")
    with pytest.raises(ConfigError, match='no dictionary of "xx"'):
        speller("xx", tmp_path / "words.txt")
