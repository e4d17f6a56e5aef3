"""How fast to post: the calls a second that all processes share, the readers a day, the wait after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from newsletter.clock import Clock
from newsletter.delivery.protocol import Quota
from newsletter.store.database import Store
from newsletter.store.tables import quotas, rates

# Calls that leave evenly do not arrive evenly: at the very limit, every few of them would be one too many.
_SLACK = 1.04
_BLOCK = 0.1  # seconds; a process takes the calls of so much time at once, so that the database is not asked for each
_BURST = 0.01  # seconds; so far may calls that were late catch up
_TICK = 1e-6  # seconds; a clock knows no shorter time
_MOST_PROCESSES = 64
_SLOWER, _FASTER, _EVERY = 0.7, 1.1, timedelta(seconds=30)  # after a 429; and back, so often
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_SECOND = 2.0  # a reset that is no further away than this belongs to a limit per second


@dataclass
class Pace:
    """A token bucket of one account, shared by all processes through the database.

    The calls of all of them together leave evenly, just below `per_second`, or below what the provider tells in its
    headers where that is less. A process takes the moments of the next tenth of a second for itself, at least one; what
    it does not use is lost, never saved up.
    """

    store: Store
    clock: Clock
    account: str
    per_second: float
    block: float = _BLOCK
    _interval: float = field(default=0.0, init=False)
    _next: float = field(default=0.0, init=False)
    _end: float = field(default=0.0, init=False)
    _told: float = field(default=0.0, init=False)

    def take(self, most: int) -> tuple[int, float]:
        """How many calls, up to `most`, may be made now; and the seconds until the next one may be."""
        granted, now = 0, self.clock.now().timestamp()
        if (
            max(self._next, self._end) - now > self._longest()
        ):  # the clock was set back: no wait is longer than it would have been
            self._next = self._end = 0.0
        while granted < most:
            at = max(self._next, now - _BURST)
            if at >= self._end:
                at = max(self._reserve(now), self._next)
            if at > now + _TICK:
                self._next = at
                return granted, at - now
            granted += 1
            self._next = at + self._interval
        return granted, 0.0

    def learn(self, quota: Quota) -> None:
        """Keep to what the provider's headers say: a limit per second, or what is left until a later reset."""
        if quota.seconds <= _SECOND:
            told = float(quota.limit)
        else:
            told = max(quota.remaining, 0) / quota.seconds
            if quota.remaining <= 0:
                self.hold(quota.seconds)
                return
        if told >= self.per_second and not self._told:
            return
        if told > 0 and not 0.9 < told / (self._told or 1e9) < 1.1:
            self._told = told
            self._change(told=told)

    def hold(self, seconds: float) -> None:
        """Let no process call for so long: the provider asked for it."""
        self._change(held_until=self.clock.now() + timedelta(seconds=seconds))

    def slow_down(self) -> None:
        """Go at a smaller share of the rate: calls were refused as too many. It grows back while none is."""
        now = self.clock.now()
        with self.store.transaction() as connection:
            row = self._row(connection, now)
            share = max(0.05, row["share"] * _SLOWER)
            self._write(connection, {"share": share, "share_at": now})
        self._next = self._end = 0.0

    def _change(self, **values: Any) -> None:
        with self.store.transaction() as connection:
            self._row(connection, self.clock.now())
            self._write(connection, values)
        self._next = self._end = 0.0

    def _reserve(self, now: float) -> float:
        """Take the next free moments; the first of them."""
        moment = self.clock.now()
        # What a power cut undoes here is the memory of calls that left a moment before it.
        with self.store.transaction(durable=False) as connection:
            row = self._row(connection, moment)
            share, changed = row["share"], {}
            if share < 1 and moment - row["share_at"] >= _EVERY:
                share = min(1.0, share * _FASTER)
                changed = {"share": share, "share_at": moment}
            self._told = row["told"]
            self._interval = _SLACK / (min(self.per_second, row["told"] or self.per_second) * share)
            free = row["next_call"].timestamp()
            start = now if free - now > self._longest() else max(now, free)
            held = row["held_until"].timestamp()
            start = max(start, held if held - now < 3600 else now)
            self._end = start + max(self.block, self._interval)
            end = datetime.fromtimestamp(self._end, moment.tzinfo)
            self._write(connection, changed | {"next_call": end})
        return start

    def _longest(self) -> float:
        return _MOST_PROCESSES * max(_BLOCK, self._interval)

    def _row(self, connection: Connection, now: datetime) -> RowMapping:
        query = select(rates).where(rates.c.account == self.account).with_for_update()
        row = connection.execute(query).mappings().first()
        if row is None:
            first = {"account": self.account, "next_call": now, "held_until": _NEVER, "share_at": now}
            _insert_once(connection, rates, first)
            row = connection.execute(query).mappings().one()
        return row

    def _write(self, connection: Connection, values: dict[str, Any]) -> None:
        connection.execute(update(rates).where(rates.c.account == self.account).values(**values))


@dataclass(frozen=True)
class DailyLimit:
    """How many readers an account may mail in a day (UTC): `most`, and less while it is new.

    `warm_up` holds the limits of the first days on which it mails anyone: providers of mailboxes distrust an address
    that they have never seen and that sends to everybody at once.
    """

    account: str
    most: int = 0
    warm_up: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.most or self.warm_up)

    def smallest(self, size: int) -> int:
        """A batch of `size`, or a smaller one, such that every day has room for at least one."""
        return min([size, *([self.most] if self.most else []), *self.warm_up])

    def left(self, connection: Connection, now: datetime) -> int:
        """How many readers may still be mailed today. The row is locked, so that two processes share it well."""
        day = f"{now:%Y-%m-%d}"
        query = select(quotas.c.readers).where(quotas.c.account == self.account, quotas.c.day == day)
        used = connection.execute(query.with_for_update()).scalar()
        if used is None:
            _insert_once(connection, quotas, {"account": self.account, "day": day, "readers": 0})
            used = connection.execute(query.with_for_update()).scalar_one()
        return max(0, self.of(connection, day) - int(used))

    def room(self, connection: Connection, moment: datetime) -> int:
        """How many readers may still be mailed on the day of that moment, as things stand; for looking only."""
        day = f"{moment:%Y-%m-%d}"
        query = select(quotas.c.readers).where(quotas.c.account == self.account, quotas.c.day == day)
        return max(0, self.of(connection, day) - (connection.execute(query).scalar() or 0))

    def of(self, connection: Connection, day: str) -> int:
        """The limit of a day, by how many days before it mailed anyone."""
        earlier = select(func.count()).where(quotas.c.account == self.account, quotas.c.day < day, quotas.c.readers > 0)
        number = connection.execute(earlier).scalar_one()
        warm = [self.warm_up[number]] if number < len(self.warm_up) else []
        return min([*warm, *([self.most] if self.most else [])], default=1 << 60)

    def use(self, connection: Connection, now: datetime, readers: int) -> None:
        """Count readers who are about to be mailed; a negative number gives them back."""
        here = (quotas.c.account == self.account) & (quotas.c.day == f"{now:%Y-%m-%d}")
        connection.execute(update(quotas).where(here).values(readers=quotas.c.readers + readers))


def backoff(attempt: int, base: timedelta, limit: timedelta, random: Random) -> float:
    """Seconds to wait after the `attempt`-th failure (from 1): doubling up to `limit`, less some of its half.

    "Equal jitter": many senders that failed together do not come back together, and none comes back at once.
    """
    longest: float = min(base.total_seconds() * 2.0 ** min(attempt - 1, 30), limit.total_seconds())
    return longest * (0.5 + random.random() / 2)


def _insert_once(connection: Connection, table: Any, row: dict[str, Any]) -> None:
    """Insert a row unless another process was first."""
    from sqlalchemy.dialects import postgresql, sqlite  # noqa: PLC0415 - one of them

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(table).values(**row).on_conflict_do_nothing())
