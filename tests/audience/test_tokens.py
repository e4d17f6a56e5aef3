"""Tokens that nobody else can make."""

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from newsletter.audience.tokens import CONFIRM, MOVE, UNSUBSCRIBE, Signer, open_signer
from newsletter.errors import NewsletterError


@given(st.integers(1, 2**62))
def test_a_token_names_its_subscriber_and_needs_no_escaping(subscriber: int) -> None:
    token = Signer("k" * 64).unsubscribe_token(subscriber)
    assert Signer("k" * 64).unsubscribes(token) == subscriber
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token)


@given(st.integers(1, 2**40))
def test_a_token_is_the_one_that_itsdangerous_writes(subscriber: int) -> None:
    assert Signer("k" * 64).unsubscribe_token(subscriber) == URLSafeSerializer("k" * 64, UNSUBSCRIBE).dumps(subscriber)


@given(st.text(max_size=60))
def test_a_token_that_we_did_not_make_is_nobodys(token: str) -> None:
    assert Signer("k" * 64).unsubscribes(token) is None


def test_a_new_key_signs_and_links_of_the_old_one_still_work() -> None:
    old, both = Signer("k" * 64), Signer(f"{'k' * 64}\n{'n' * 64}")
    assert both.unsubscribes(old.unsubscribe_token(7)) == 7
    assert Signer("n" * 64).unsubscribes(both.unsubscribe_token(7)) == 7
    assert old.unsubscribes(both.unsubscribe_token(7)) is None
    word = both.read(CONFIRM, old.token(CONFIRM, [7]), timedelta(days=1))
    assert word is not None
    assert word.value == [7]


def test_a_word_ends_with_its_time_and_serves_its_purpose_only() -> None:
    signer = Signer("k" * 64)
    token = signer.token(CONFIRM, 7)
    assert signer.read(CONFIRM, token, timedelta(seconds=-1)) is None
    assert signer.read(MOVE, token, timedelta(days=1)) is None
    assert signer.unsubscribes(token) is None
    assert signer.read(CONFIRM, signer.unsubscribe_token(7), timedelta(days=1)) is None


def test_a_token_of_another_publication_is_nobodys() -> None:
    assert Signer("k" * 64).unsubscribes(Signer("j" * 64).unsubscribe_token(7)) is None


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    token = open_signer(tmp_path / "state").unsubscribe_token(7)
    assert open_signer(tmp_path / "state").unsubscribes(token) == 7
    assert stat.S_IMODE((tmp_path / "state" / "token.key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["token.key"]


def test_a_key_given_by_name_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_TOKEN_KEY", "s" * 64)
    token = open_signer(tmp_path).unsubscribe_token(7)
    assert Signer("s" * 64).unsubscribes(token) == 7
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_key_is_not_replaced_behind_the_operators_back(tmp_path: Path) -> None:
    (tmp_path / "token.key").write_text("")
    with pytest.raises(NewsletterError, match="damaged"):
        open_signer(tmp_path)
