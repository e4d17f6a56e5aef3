"""All figures of a publication, and all of one issue, as values: what every form of the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from newsletter.audience.subscribers import count_by_state
from newsletter.delivery.trials import Trial, trial_of
from newsletter.stats.families import Inbox, Share, audience_split, inboxes
from newsletter.stats.funnel import Funnel, funnels, newest
from newsletter.stats.links import LinkClicks, link_clicks
from newsletter.stats.membership import Change, Cohort, beginning, cohorts, count_spells, growth
from newsletter.stats.periods import months, periods
from newsletter.stats.thresholds import Health, health, overall
from newsletter.stats.timing import Reached, time_curve

COHORTS = 12  # months of joining that are shown


@dataclass(frozen=True)
class Overview:
    """How a publication is doing. `broadcasts` are the last ones, oldest first; `begun` counts all there are."""

    name: str
    at: datetime
    subscribers: Mapping[str, int]
    growth: tuple[Change, ...]
    cohorts: tuple[Cohort, ...]
    providers: tuple[Share, ...]
    domains: tuple[Share, ...]
    broadcasts: tuple[Funnel, ...]
    begun: int
    health: tuple[Health, ...]
    complaints: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        data: dict[str, Any] = _plain(asdict(self))
        data["growth"] = [change | {"net": one.net} for change, one in zip(data["growth"], self.growth, strict=True)]
        return data


@dataclass(frozen=True)
class IssueStats:
    """How one issue is doing."""

    name: str
    at: datetime
    funnel: Funnel
    curve: tuple[Reached, ...]
    links: tuple[LinkClicks, ...]
    inboxes: tuple[Inbox, ...]
    health: Health
    trial: Trial | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        data: dict[str, Any] = _plain(asdict(self))
        return data | {"trial": self.trial.as_json() if self.trial else None}


def overview(connection: Connection, name: str, zone: ZoneInfo, now: datetime, last: int) -> Overview:
    """The figures of a publication; of its broadcasts the last so many (0: all)."""
    first = beginning(connection) or now
    by_change, by_month = periods(first, now, zone), months(first, now, zone)
    providers, domains = audience_split(connection)
    begun = newest(connection, 0)
    sent = funnels(connection, begun[-last:] if last else begun)
    return Overview(
        name=name,
        at=now,
        subscribers=count_by_state(connection),
        growth=growth(count_spells(connection, by_change), by_change),
        cohorts=cohorts(count_spells(connection, by_month), by_month)[-COHORTS:],
        providers=providers,
        domains=domains,
        broadcasts=sent,
        begun=len(begun),
        health=tuple(health(funnel) for funnel in sent),
        complaints=overall(sent),
    )


def issue_stats(connection: Connection, name: str, broadcast_id: int, now: datetime, unsubscribe: str) -> IssueStats:
    """The figures of one broadcast; `unsubscribe` is how the personal addresses begin that lead out of the list."""
    funnel = funnels(connection, [broadcast_id])[0]
    return IssueStats(
        name=name,
        at=now,
        funnel=funnel,
        curve=time_curve(connection, funnel, now),
        links=link_clicks(connection, broadcast_id, unsubscribe) if funnel.clicked is not None else (),
        inboxes=inboxes(connection, funnel),
        health=health(funnel),
        trial=trial_of(connection, broadcast_id),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime) else value
