"""Importing lists of subscribers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.audience.files import read_list
from newsletter.audience.importing import ImportReport, import_entries
from newsletter.audience.subscribers import State, barred, count_audience, count_by_state, leave, page
from newsletter.audience.suppression import suppress
from newsletter.errors import NewsletterError
from newsletter.store.database import Store
from newsletter.store.tables import subscriber_tags, subscribers

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def take(store: Store, folder: Path, text: str, name: str = "list.csv") -> ImportReport:
    (folder / name).write_text(text, encoding="utf-8")
    with store.transaction() as connection:
        return import_entries(connection, read_list(folder / name), source="a test", now=NOW)


def states(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return dict(connection.execute(select(subscribers.c.email, subscribers.c.state)).all())


def test_a_list_with_the_columns_of_other_programs_is_understood(store: Store, tmp_path: Path) -> None:
    report = take(
        store,
        tmp_path,
        "\ufeffEmail Address;First Name;Last Name;Status;Tags;Opt-in Time\r\n"
        "anna@example.org;Anna;Öst;subscribed;beta, vip;2024-02-03 10:00:00\r\n"
        "bo@example.org;;;cleaned;;\r\n",
    )
    assert (report.added, report.rejects) == (2, [])
    assert states(store) == {"anna@example.org": "active", "bo@example.org": "bounced"}
    with store.reading() as connection:
        anna = connection.execute(select(subscribers).where(subscribers.c.email == "anna@example.org")).one()
        assert (anna.name, anna.consent_at) == ("Anna Öst", datetime(2024, 2, 3, 10, tzinfo=UTC))
        assert connection.execute(select(subscriber_tags.c.tag)).scalars().all() == ["beta", "vip"]
        assert count_audience(connection, "beta") == (1, 0)
        assert count_audience(connection, "") == (1, 1)


def test_the_same_list_twice_changes_nothing_the_second_time(store: Store, tmp_path: Path) -> None:
    text = "email,name,tags\nanna@example.org,Anna,vip\nANNA@example.org,Anna,vip\nbo@example.org,,\n"
    first, second = take(store, tmp_path, text), take(store, tmp_path, text)
    assert (first.added, first.unchanged) == (2, 1)
    assert (second.added, second.changed, second.unchanged) == (0, 0, 3)


def test_who_left_is_never_brought_back_by_a_list(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, "email,status\nanna@example.org,active\nbo@example.org,active\n")
    with store.transaction() as connection:
        assert leave(connection, 1, State.UNSUBSCRIBED, NOW)
        assert suppress(connection, "gone@example.org", "erased", "a test", NOW)
    report = take(store, tmp_path, "email,status\nanna@example.org,active\ngone@example.org,active\nbo@example.org,\n")
    assert (report.kept_out, report.unchanged) == (2, 1)
    assert states(store) == {"anna@example.org": "unsubscribed", "bo@example.org": "active"}


def test_a_list_can_say_that_a_reader_left(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, "email\nanna@example.org\n")
    assert take(store, tmp_path, "email,status\nanna@example.org,unsubscribed\n").changed == 1
    assert states(store) == {"anna@example.org": "unsubscribed"}


def test_bad_lines_are_named_and_the_good_ones_taken(store: Store, tmp_path: Path) -> None:
    report = take(store, tmp_path, 'email,status\nnobody\n"a\nb@example.org",\nbo@example.org,weird\nok@example.org,\n')
    assert [(reject.line, reject.reason.split(",")[0]) for reject in report.rejects][-1] == (5, 'unknown state "weird"')
    assert len(report.rejects) == 3
    assert report.added == 1


def test_json_and_ndjson_are_lists_too(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, '[{"email": "a@example.org", "tags": ["x"]}, 7]', "list.json")
    report = take(store, tmp_path, '{"email": "b@example.org"}\n{"email": 5}\nnot json\n', "list.ndjson")
    assert states(store) == {"a@example.org": "active", "b@example.org": "active"}
    assert [reject.line for reject in report.rejects] == [2, 3]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column of addresses"),
        (b"name,when\nx,y\n", "no column of addresses"),
        (b"email\nok@example.org\nJos\xe9\n", "list.csv:3: not UTF-8"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(store: Store, tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "list.csv").write_bytes(data)
    with pytest.raises(NewsletterError, match=message), store.transaction() as connection:
        import_entries(connection, read_list(tmp_path / "list.csv"), source="a test", now=NOW)
    assert states(store) == {}


def test_pages_follow_each_other_and_say_who_must_not_be_mailed(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, "email,status\n" + "".join(f"r{n}@example.org,\n" for n in range(1, 8)) + "z@e.org,pending\n")
    with store.transaction() as connection:
        suppress(connection, "r2@example.org", "complained", "a test", NOW)
        first = connection.execute(page(0, 7, "", 4)).all()
        second = connection.execute(page(first[-1].id, 7, "", 4)).all()
        assert [member.id for member in (*first, *second)] == [1, 2, 3, 4, 5, 6, 7]
        assert [member.reason for member in first] == ["", "complained", "", ""]
        assert barred(connection, [1, 2, 8, 99]) == {2: "complained", 8: "pending", 99: "erased"}
        assert count_by_state(connection) == {"active": 7, "pending": 1}
