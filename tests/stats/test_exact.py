"""Every figure is what counting the raw rows by hand gives, on both databases, whatever happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from ledger import (
    GOING,
    START,
    UNSUBSCRIBE,
    empty,
    funnel_by_hand,
    live,
    mail,
    mailings,
    rows,
    spells_by_hand,
    told_of,
    words,
)
from sqlalchemy import Connection

from newsletter.audience.subscribers import count_by_state
from newsletter.delivery.report import report_of
from newsletter.stats.funnel import Funnel
from newsletter.stats.links import OWN_PAGE
from newsletter.stats.periods import Period, months, weeks
from newsletter.stats.report import issue_stats, overview
from newsletter.stats.timing import STEPS
from newsletter.store.database import Store
from newsletter.store.tables import batches, deliveries, editions, events, subscribers

ZONE = ZoneInfo("America/New_York")
GOT, MISSED = [("accepted", "", 1, [])] * 6, [("skipped", "full", 1, [])] * 6
few = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@few
@given(deeds=words)
@example(deeds=[("ask", 0, 0), ("leave", 0, 1), ("confirm", 0, 900)])  # gone before they came
@example(deeds=[("import", 0, 0), ("ask", 0, 9), ("leave", 0, 9), ("confirm", 0, 0)])  # a list's, asking again
def test_who_came_and_went_is_what_the_log_says(store: Store, deeds: list[Any]) -> None:
    with store.transaction() as connection:
        empty(connection)
        now = live(connection, deeds)
        stats = overview(connection, "N", ZONE, now, 0)
        spells = spells_by_hand(connection)
        first = min((row.created_at for row in rows(connection, subscribers)), default=now)
        active = count_by_state(connection).get("active", 0)
    assert stats.growth[-1].members == active == stats.subscribers.get("active", 0)
    among = weeks(first, now, ZONE) if now - first < timedelta(days=120) else months(first, now, ZONE)
    assert [change.label for change in stats.growth] == [period.label for period in among]
    for change, period in zip(stats.growth, among, strict=True):
        every = [spell for mine in spells.values() for spell in mine]
        assert change.joined == sum(within(since, period) for since, _, _ in every)
        lost = Counter(how for _, until, how in every if until and within(until, period))
        assert (change.left, change.bounced, change.complained) == tuple(lost[how] for how in GOING)
        assert change.members == sum(
            since < period.end and not (until and until < period.end) for since, until, _ in every
        )
    kept = {cohort.label: (cohort.size, cohort.kept) for cohort in stats.cohorts}
    assert kept == cohorts_by_hand(spells, months(first, now, ZONE))


def within(moment: datetime, period: Period) -> bool:
    return period.start <= moment < period.end


def cohorts_by_hand(spells: dict[int, Any], among: list[Period]) -> dict[str, tuple[int, tuple[int, ...]]]:
    found = {}
    for number, period in enumerate(among):
        mine = [own for own in spells.values() if within(own[0][0], period)]
        if mine:
            ends = [other.end for other in among[number:]]
            here = tuple(sum(any(s < end and not (u and u < end) for s, u, _ in own) for own in mine) for end in ends)
            found[period.label] = (len(mine), here)
    return dict(list(found.items())[-12:])


@few
@given(deeds=words, fates=mailings)
@example(deeds=[("import", 0, 0), ("import", 1, 0), ("leave", 0, 480), ("leave", 1, 0)], fates=[GOT, GOT, MISSED])
def test_what_became_of_a_broadcast_is_what_its_rows_say(store: Store, deeds: list[Any], fates: list[Any]) -> None:
    with store.transaction() as connection:
        empty(connection)
        live(connection, deeds)
        mail(connection, fates)
        now = START + timedelta(days=40)
        for funnel in overview(connection, "N", ZONE, now, 0).broadcasts:
            by_hand = funnel_by_hand(connection, funnel.id)
            for name, number in by_hand.items():
                assert getattr(funnel, name) in (number, None), name
            assert_measured(connection, funnel, len(fates))
            report = report_of(connection, funnel.id)
            assert (funnel.planned, funnel.accepted, dict(funnel.skipped), dict(funnel.rejected), funnel.dropped) == (
                report.readers,
                report.sent,
                dict(report.skipped),
                dict(report.rejected),
                report.dropped,
            )
            assert_issue(connection, funnel, now)


def assert_measured(connection: Connection, funnel: Funnel, count: int) -> None:
    """A figure is left open just where no event of its kind came for this broadcast, or before and after it."""
    told = told_of(connection)
    for kind, name in (("delivered", "delivered"), ("clicked", "clicked"), ("opened", "opened")):
        having = {row.broadcast_id for row in told if row.kind == kind}
        known = any(n <= funnel.id for n in having) and any(n >= funnel.id for n in having)
        assert (getattr(funnel, name) is not None) == known, name


def assert_issue(connection: Connection, funnel: Funnel, now: datetime) -> None:
    stats = issue_stats(connection, "N", funnel.id, now, UNSUBSCRIBE)
    assert stats.funnel == funnel
    mine = [row for row in rows(connection, deliveries) if row.broadcast_id == funnel.id]
    told = [row for row in told_of(connection, funnel.id) if row.subscriber_id]
    own = [row for row in told if not row.machine]
    settled = {row.number: row.settled_at for row in rows(connection, batches) if row.broadcast_id == funnel.id}
    taken = [row for row in mine if row.state in ("accepted", "delivered", "bounced", "complained")]
    for point, (name, span) in zip(stats.curve, STEPS, strict=False):
        moment = funnel.at + span
        assert point.after == name
        assert point.accepted == sum(settled[row.batch_number] <= moment for row in taken)
        for kind, number in (("delivered", point.delivered), ("clicked", point.clicked)):
            by_then = {row.subscriber_id for row in own if row.kind == kind and row.occurred_at <= moment}
            assert number in (len(by_then), None)
    followed = defaultdict[str, list[int]](list)
    for row in own:
        if row.kind == "clicked" and (link := row.link):
            followed[OWN_PAGE if link.startswith(UNSUBSCRIBE) else link].append(row.subscriber_id)
    assert {link.link: (link.readers, link.clicks) for link in stats.links} == {
        link: (len(set(readers)), len(readers)) for link, readers in followed.items()
    }
    assert sum(inbox.accepted for inbox in stats.inboxes) == funnel.accepted
    for inbox in stats.inboxes:
        domain = {"Gmail": "gmail.com", "Outlook": "hotmail.fr", "Yahoo": "yahoo.co.uk"}.get(
            inbox.name, "company.example"
        )
        here = [row for row in taken if row.email.endswith(f"@{domain}")]
        clicked = {row.subscriber_id for row in own if row.kind == "clicked"}
        assert inbox.accepted == len(here)
        assert inbox.clicked in (sum(row.subscriber_id in clicked for row in here), None)
        assert inbox.bounced in (sum(row.state == "bounced" for row in here), None)


@pytest.mark.parametrize("last", [0, 1, 2, 9])
def test_no_more_broadcasts_than_asked_for_are_counted(store: Store, last: int) -> None:
    with store.transaction() as connection:
        mail(connection, [[("accepted", "", 1, [])]] * 3)
        stats = overview(connection, "N", ZONE, datetime(2026, 12, 1, tzinfo=UTC), last)
    assert [funnel.id for funnel in stats.broadcasts] == [1, 2, 3][-last:] if last else [1, 2, 3]
    assert stats.begun == 3


def test_what_we_measured_ourselves_is_zero_where_nobody_did_it(store: Store) -> None:
    with store.transaction() as connection:
        mail(connection, [[("delivered", "", 1, [])]])
        content = '{"subject": "a \\"click_url\\"", "variables": {"click_url": "click_url"}}'
        connection.execute(editions.update().values(content=content))
        (funnel,) = overview(connection, "N", ZONE, datetime(2026, 12, 1, tzinfo=UTC), 0).broadcasts
    assert (funnel.clicked, funnel.clicks, funnel.opened) == (0, 0, None)


def test_a_click_that_a_provider_saw_on_its_way_through_us_counts_once(store: Store) -> None:
    with store.transaction() as connection:
        mail(connection, [[("delivered", "", 1, [("clicked here", 1, "", False, False)])]])
        seen = {"source": "t", "key": "k", "kind": "clicked", "email_key": "", "state": "applied", "broadcast_id": 1}
        seen |= {"occurred_at": START, "received_at": START, "subscriber_id": 1}
        link = "https://us.example/c/TOKEN?https://a.example/"
        connection.execute(events.insert(), seen | {"detail": {"link": link}})
        (funnel,) = overview(connection, "N", ZONE, datetime(2026, 12, 1, tzinfo=UTC), 0).broadcasts
    assert (funnel.clicked, funnel.clicks) == (1, 1)
