"""The numbers that Prometheus reads are those of the database, in the format that it reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.request import urlopen

from newsletter.pipeline.approval import approve
from newsletter.pipeline.backups import back_up
from newsletter.pipeline.metrics import Metric, as_text, metrics_text
from newsletter.publication import find_publication
from newsletter.schedule.health import Health, serving
from newsletter.schedule.lease import Scheduler, beat

if TYPE_CHECKING:
    from conftest import Press

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# One line of the text format: a name, labels, a number (prometheus.io/docs/instrumenting/exposition_formats).
_LINE = re.compile(r'([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (-?[\d.e+]+)')


def numbers(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = _LINE.fullmatch(line)
            assert match, line
            assert match[1] + (match[2] or "") not in found, "one series stands twice"
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


def test_they_count_what_the_ledger_has(press: Press) -> None:
    press.write("001-one")
    press.write("002-two")
    for name in ("one", "two"):
        approve(press.desk, press.store, press.desk.find(name), NOW)
    publication = find_publication(press.folder, press.folder)
    with press.store.transaction() as connection:
        beat(connection, Scheduler("me", "here", NOW, lambda _: False), NOW - timedelta(seconds=30))
    sending = press.sending()
    from newsletter.schedule.queue import approved

    with press.store.reading() as connection:
        first = approved(connection)[0]
    sending.post(sending.plan_now(first))
    back_up(publication, press.store, NOW - timedelta(hours=1))
    text = metrics_text(publication, press.store, NOW)
    found = numbers(text)
    expected = {
        'newsletter_subscribers{state="active"}': 2,
        'newsletter_subscribers{state="unsubscribed"}': 1,
        'newsletter_deliveries{issue="one",state="accepted"}': 2,
        'newsletter_deliveries{issue="one",state="skipped"}': 1,
        'newsletter_broadcast_state{issue="one",state="sent"}': 1,
        'newsletter_queue_length{held="false"}': 1,
        "newsletter_batches_in_doubt": 0,
        'newsletter_events_backlog{state="new"}': 0,
        "newsletter_stopped": 0,
        "newsletter_scheduler_heartbeat_age_seconds": 30,
        "newsletter_next_slot_timestamp_seconds": datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp(),
        "newsletter_backup_timestamp_seconds": (NOW - timedelta(hours=1)).timestamp(),
    }
    assert {name: found.get(name) for name in expected} == expected
    assert text.count("# TYPE newsletter_deliveries gauge\n") == 1


def test_labels_are_escaped() -> None:
    text = as_text([Metric("x", 1, "X.", {"issue": 'a"b\\c\nd'})])
    assert text.splitlines()[-1] == r'newsletter_x{issue="a\"b\\c\nd"} 1'
    assert len(numbers(text)) == 1


def test_the_schedulers_port_serves_them(press: Press) -> None:
    publication = find_publication(press.folder, press.folder)
    with (
        serving(Health(), 0, lambda: metrics_text(publication, press.store, NOW)) as port,
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer,
    ):
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert numbers(answer.read().decode())['newsletter_subscribers{state="active"}'] == 2
