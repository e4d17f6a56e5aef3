"""Segments: what they mean, and that they can do nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.audience.segments import SegmentError, compile_segment
from newsletter.audience.subscribers import count_audience
from newsletter.store.database import Store
from newsletter.store.tables import events, subscriber_tags, subscribers

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def fill(store: Store) -> None:
    rows = [
        ("ada@example.org", "fr", {"city": "New York"}, NOW - timedelta(days=400)),
        ("bo@example.com", "fr-CA", {"city": "Rome"}, NOW - timedelta(days=10)),
        ("cy@example.org", "de", {}, NOW - timedelta(days=1)),
    ]
    with store.transaction() as connection:
        for email, language, fields, at in rows:
            row = {"email": email, "email_key": email, "name": email[:2], "state": "active", "language": language}
            connection.execute(subscribers.insert(), row | {"fields": fields, "created_at": at, "changed_at": at})
        tags = [(1, "beta"), (2, "beta"), (2, "early birds"), (3, "o'neil")]
        connection.execute(subscriber_tags.insert(), [{"subscriber_id": n, "tag": tag} for n, tag in tags])
        told = {"source": "x", "key": "k", "kind": "clicked", "email_key": "", "state": "applied", "subscriber_id": 1}
        at = NOW - timedelta(days=30)
        connection.execute(events.insert(), told | {"occurred_at": at, "received_at": at, "detail": {}})


CASES = {
    "beta": [1, 2],
    "tag:beta and language=fr and not clicked:90d": [2],
    "clicked:10d or tag:o'neil": [3],
    "not beta": [3],
    '"early birds"': [2],
    'tag:"early birds" or not language=fr': [2, 3],
    'field.city = "New York"': [1],
    "field.city ~ o": [1, 2],
    "field.city != Rome": [1, 3],
    "domain=example.org and (language=de or language=it)": [3],
    "email ~ BO@": [2],
    "joined >= 2026-11-14 and joined < 2026-11-20": [2],
    "joined:5d": [3],
    "NOT (beta OR tag:x)": [3],
    "opened:1y": [1],
    "received:1y": [],
    "state=active": [1, 2, 3],
    "language=x-klingon'; DROP TABLE subscribers": None,
}


@pytest.mark.parametrize("source", CASES)
def test_a_segment_means_what_it_says(store: Store, source: str) -> None:
    fill(store)
    if CASES[source] is None:
        with pytest.raises(SegmentError):
            compile_segment(source, NOW)
        return
    with store.reading() as connection:
        query = select(subscribers.c.id).where(compile_segment(source, NOW)).order_by(subscribers.c.id)
        assert connection.execute(query).scalars().all() == CASES[source]
        assert count_audience(connection, source, NOW) == (len(CASES[source] or []), 0)


@pytest.mark.parametrize(
    ("source", "place", "about"),
    [
        ("tag:beta and", 12, "it ends here"),
        ("(beta", 5, 'expected "\\)"'),
        ("early birds", 6, "stands in quotes"),
        ("colour=red", 7, 'nothing is called "colour"'),
        ("clicked:soon", 8, "length of time"),
        ("joined>=yesterday", 8, "expected a day"),
        ('tag:"beta', 4, "quotation mark"),
        ("not " * 60 + "x", 160, "too deeply"),
        ("and", 0, "expected a tag"),
    ],
)
def test_a_segment_that_cannot_be_meant_names_the_place(source: str, place: int, about: str) -> None:
    with pytest.raises(SegmentError, match=f"character {place + 1}: .*{about}"):
        compile_segment(source, NOW)


@given(st.text(alphabet="abtag:=\"()<>!~ 'and or not.0179d-", max_size=40))
def test_any_text_is_a_condition_or_a_complaint(source: str) -> None:
    try:
        condition = compile_segment(source, NOW)
    except SegmentError:
        return
    str(select(subscribers.c.id).where(condition))
