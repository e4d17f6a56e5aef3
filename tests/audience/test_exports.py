"""The exports of other programs, in their own columns, and ours, which is read back as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.audience import listing
from newsletter.audience.addresses import parse_address
from newsletter.audience.erasure import forget
from newsletter.audience.files import Entry, Origin, read_list
from newsletter.audience.importing import import_entries
from newsletter.store.database import Store
from newsletter.store.tables import subscribers

EXPORTS = Path(__file__).parent / "exports"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
EXPECTED = {
    "mailchimp-subscribed.csv": "ada active, bo active",
    "mailchimp-unsubscribed.csv": "cy unsubscribed",
    "mailchimp-cleaned.csv": "di bounced",
    "substack.csv": "ada active, bo active, cy unsubscribed",
    "substack-dashboard.csv": "ada active, bo active",
    "ghost.csv": "ada active, cy unsubscribed, di unsubscribed",
    "buttondown.csv": "ada active, bo pending, cy unsubscribed, di bounced",
    "beehiiv.csv": "ada active, bo pending, cy unsubscribed, di bounced",
    "plain.tsv": "ada active, ada active",
    "list.json": "Ada active, cy unsubscribed",
}


def entries(name: str) -> list[Entry]:
    found = list(read_list(EXPORTS / name))
    assert all(isinstance(entry, Entry) for entry in found), found
    return [entry for entry in found if isinstance(entry, Entry)]


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_understood_as_it_is(name: str) -> None:
    found = entries(name)
    assert ", ".join(f"{entry.email.partition('@')[0]} {entry.state}" for entry in found) == EXPECTED[name]
    dated = [entry.consent_at for entry in found if entry.email_key == "ada@reader.example"]
    assert all(at is not None and at.year == 2023 for at in dated)


def test_what_an_export_tells_beside_the_address_is_kept() -> None:
    ada = entries("mailchimp-subscribed.csv")[0]
    assert (ada.name, ada.timezone, ada.tags) == ("Ada Öst", "Europe/Berlin", ("beta", "vip"))
    assert ada.consent_at == datetime(2023, 4, 5, 6, 9, tzinfo=UTC)  # confirmed, not asked
    assert entries("ghost.csv")[0].tags == ("beta", "vip")
    assert entries("buttondown.csv")[0].consent_source == "embedded_form"
    plain, idn = entries("plain.tsv")
    assert (plain.language, dict(plain.fields), plain.tags) == ("pt-BR", {"city": "Rome"}, ("beta", "vip"))
    assert idn.email == "ada@xn--bcher-kva.example"


def test_a_column_is_kept_as_a_field_where_it_is_asked_for() -> None:
    ada = next(iter(read_list(EXPORTS / "beehiiv.csv", Origin(fields=("utm_source", "referral_code")))))
    assert isinstance(ada, Entry)
    assert dict(ada.fields) == {"referral_code": "x1"}


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_our_own_export_is_read_back_as_it_was(store: Store, tmp_path: Path, form: str) -> None:
    def take(path: Path) -> tuple[int, int]:
        with store.transaction() as connection:
            report = import_entries(connection, read_list(path), source="a test", now=NOW)
        return report.added + report.changed, report.unchanged

    for name in EXPECTED:
        take(EXPORTS / name)
    with store.transaction() as connection:
        connection.execute(subscribers.update().where(subscribers.c.id == 1).values(measured=False))
    with store.reading() as connection:
        before = list(listing.rows(connection, "", NOW))
        text = StringIO()
        assert listing.write(text, iter(before), form) == 5
    path = tmp_path / f"list.{form}"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    assert take(path) == (0, 5)
    with store.transaction() as connection:
        connection.execute(subscribers.delete())
    assert take(path) == (5, 0)
    with store.reading() as connection:
        varying = ("id", "created_at", "changed_at")
        strip = [{key: value for key, value in row.items() if key not in varying} for row in before]
        again = list(listing.rows(connection, "", NOW))
        assert [{key: value for key, value in row.items() if key not in varying} for row in again] == strip


def test_who_was_erased_is_not_brought_back_by_a_list(store: Store, tmp_path: Path) -> None:
    with store.transaction() as connection:
        import_entries(connection, read_list(EXPORTS / "ghost.csv"), source="a test", now=NOW)
        assert forget(connection, "ada@reader.example", NOW)
        report = import_entries(connection, read_list(EXPORTS / "ghost.csv"), source="a test", now=NOW)
        assert (report.added, report.kept_out, report.unchanged) == (0, 1, 2)
        assert "ada@reader.example" not in connection.execute(select(subscribers.c.email_key)).scalars().all()


def test_the_last_readers_number_is_not_given_again_after_an_erasure(store: Store) -> None:
    with store.transaction() as connection:
        import_entries(connection, read_list(EXPORTS / "ghost.csv"), source="a test", now=NOW)
        forget(connection, "di@reader.example", NOW)
        import_entries(connection, read_list(EXPORTS / "list.json"), source="a test", now=NOW)
        import_entries(connection, read_list(EXPORTS / "plain.tsv"), source="a test", now=NOW)
        ids = dict(connection.execute(select(subscribers.c.email_key, subscribers.c.id)).all())
        assert ids["ada@xn--bcher-kva.example"] > 3
        assert [row["email"] for row in listing.rows(connection, "", NOW)] == [
            "ada@reader.example",
            "cy@reader.example",
            "ada@xn--bcher-kva.example",
        ]


_WORDS = st.text("abcXYZ019.-_+!'@", min_size=1, max_size=12)
_TOPS = st.sampled_from(["org", "example", "test", "invalid", "localhost", "local", "onion", "c", "x1", "ORG", "arpa"])


@given(st.builds("{}@{}.{}".format, _WORDS, _WORDS, _TOPS))
def test_the_quick_look_at_an_address_says_what_the_library_says(text: str) -> None:
    try:
        library = validate_email(text, allow_smtputf8=False, check_deliverability=False, test_environment=True)
        expected = library.ascii_email
    except ValueError:
        expected = None
    try:
        ours: str | None = parse_address(text).email
    except ValueError:
        ours = None
    assert ours == expected
