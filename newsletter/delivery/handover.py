"""Broadcasts whose batches are posted by workers, each batch for itself: plan them, post one, tend to all of them.

A job on the worklist is only a nudge. Whether a batch may be posted is asked of the ledger, in the transaction that
takes it; so a job that is lost, doubled or stalled neither loses a batch nor sends one twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, select

from newsletter.delivery import ledger, switch, trials
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import STOPPED, Job, Tally, reason_of
from newsletter.delivery.planning import plan_page
from newsletter.delivery.protocol import Outcome, Refused
from newsletter.delivery.recall import settle_by_record
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.states import BatchState, BroadcastState
from newsletter.delivery.turns import Turns
from newsletter.store.tables import batches, broadcasts


class Worklist(Protocol):
    """Jobs for workers, each about one batch, kept in the same database as the ledger."""

    def add(self, connection: Connection, broadcast_id: int, numbers: Sequence[int]) -> None:
        """Write jobs for these batches, on the caller's transaction."""
        ...

    def waiting(self, connection: Connection, broadcast_id: int) -> set[int]:
        """The batches about which there is a job that has not ended."""
        ...


@dataclass(frozen=True)
class BatchEnd:
    """What became of a batch that a worker was nudged to post; `trouble` is why it is not settled, if it is not."""

    state: str
    error: str = ""
    trouble: Outcome | None = None
    broadcast: str = BroadcastState.SENDING


def hand_over(boss: Broadcaster, broadcast_id: int, worklist: Worklist) -> Report:
    """Begin a broadcast, or go on with it, and write its batches down for workers; where it stands then.

    Raises SafetyError as `Broadcaster.run` does.
    """
    if (over := boss.begin(broadcast_id)) is not None:
        return over
    more = True
    while more and not boss.wants_stop():
        more = _plan(boss, broadcast_id, worklist)
    with boss.store.transaction() as connection:
        _nudge(boss, connection, broadcast_id, worklist)
        conclude(boss, connection, broadcast_id)  # where nobody is to be mailed
        return report_of(connection, broadcast_id)


def post_batch(boss: Broadcaster, broadcast_id: int, number: int, job: Job, tally: Tally) -> BatchEnd:
    """Post one batch, if the ledger lets us; whoever finds that none is left ends the broadcast."""
    with boss.store.reading() as connection:
        state, broadcast = _states(connection, broadcast_id, number)
        if not is_to_be_posted(boss, connection, broadcast_id, number):
            return BatchEnd(state, broadcast=broadcast)
    turns = Turns(boss, broadcast_id, job, only=number, tally=tally)
    trouble = turns.run()
    # A transaction of its own: of two workers that post the last two batches, the later one sees that both are settled.
    with boss.store.transaction() as connection:
        conclude(boss, connection, broadcast_id, trouble, tried=turns.in_doubt)
        state, broadcast = _states(connection, broadcast_id, number)
        error = connection.execute(select(batches.c.error).where(_is(broadcast_id, number))).scalar() or ""
    return BatchEnd(state, error, trouble, broadcast)


def tend(boss: Broadcaster, worklist: Worklist) -> list[str]:
    """Look after all broadcasts of the workers: batches of the dead, what is not planned, batches without a job.

    A sentence for each thing that was done. Any number of processes may do it, at any time.
    """
    done: list[str] = []
    with boss.store.reading() as connection:
        open_ones = broadcasts.c.state.in_([BroadcastState.PLANNED, BroadcastState.SENDING])
        rows = connection.execute(select(broadcasts).where(open_ones).order_by(broadcasts.c.id)).all()
        if not rows or switch.is_stopped(connection):
            return done
    for row in rows:
        if row.state == BroadcastState.PLANNED:
            boss.begin(row.id)
        with boss.store.transaction() as connection:
            trials.settle(connection, row.id, boss.clock.now())
        if row.planned_through < row.audience_through and not boss.wants_stop():
            while _plan(boss, row.id, worklist) and not boss.wants_stop():
                pass
        with boss.store.transaction() as connection:
            now = boss.clock.now()
            if abandoned := ledger.settle_the_abandoned(connection, row.id, now):
                which = ", ".join(map(str, abandoned))
                done.append(f'"{row.slug}": a worker that is gone left batch {which} in doubt')
                # At once: the jobs that it had are seen to stand still only later.
                again = set(ledger.to_post(connection, row.id, boss.repeatable(connection, row.id))).intersection(
                    abandoned
                )
                worklist.add(connection, row.id, sorted(again))
        if known := settle_by_record(boss, row.id):
            done.append(f'"{row.slug}": {known} batches in doubt are settled by the provider\'s record')
        with boss.store.transaction() as connection:
            if added := _nudge(boss, connection, row.id, worklist):
                done.append(f'"{row.slug}": {added} batches had no job and have one now')
        with boss.store.transaction() as connection:
            if ended := conclude(boss, connection, row.id):
                done.append(f'"{row.slug}" is {ended}')
    return done


def is_to_be_posted(boss: Broadcaster, connection: Connection, broadcast_id: int, number: int) -> bool | None:
    """Whether a batch may be posted now; None while somebody else posts it."""
    state, broadcast = _states(connection, broadcast_id, number)
    if state == BatchState.POSTING:
        return None
    return broadcast == BroadcastState.SENDING and ledger.is_to_post(
        connection, broadcast_id, number, boss.repeatable(connection, broadcast_id)
    )


def conclude(
    boss: Broadcaster, connection: Connection, broadcast_id: int, trouble: Outcome | None = None, *, tried: bool = False
) -> str:
    """End or pause a broadcast if it is time for it; its new state, or empty.

    `tried`: the caller has just tried to settle a batch in doubt by a repeat, in vain.
    """
    left, now = ledger.open_batches(connection, broadcast_id), boss.clock.now()
    doubt_only = left == {BatchState.UNKNOWN}
    if doubt_only and not tried:  # a repeat that is safe is still to come
        doubt_only = not ledger.claimable(
            connection, broadcast_id, repeatable=boss.repeatable(connection, broadcast_id), but_not=()
        )
    state, values = None, dict[str, Any]()
    if ledger.is_planned(connection, broadcast_id) and not left:
        state, values = BroadcastState.SENT, {"finished_at": now}
    elif switch.is_stopped(connection):
        state, values = BroadcastState.PAUSED, {"reason": switch.STOPPED}
    elif isinstance(trouble, Refused):  # stays `sending`: its job comes again
        if trouble != STOPPED:
            ledger.note(connection, broadcast_id, trouble.reason)
    elif trouble or (ledger.is_planned(connection, broadcast_id) and doubt_only):
        reason = reason_of(trouble) or ledger.doubt(connection, broadcast_id)
        state, values = BroadcastState.PAUSED, {"reason": reason}
    elif not left:  # the rest is not planned: its subject is being tested
        trials.wait(connection, broadcast_id, now)
    if state and ledger.move_broadcast(connection, broadcast_id, state, **values):
        return state.value
    return ""


def _plan(boss: Broadcaster, broadcast_id: int, worklist: Worklist) -> bool:
    """Plan a page; whether there is more that nobody else is planning."""
    with boss.store.transaction() as connection:
        page = plan_page(connection, broadcast_id, boss.batch_size(), worklist.add)
    return page.more and page.mailed + page.skipped > 0


def _nudge(boss: Broadcaster, connection: Connection, broadcast_id: int, worklist: Worklist) -> int:
    """Write jobs for the batches that may be posted and have none; how many."""
    wanted = ledger.to_post(connection, broadcast_id, boss.repeatable(connection, broadcast_id))
    if wanted:
        known = worklist.waiting(connection, broadcast_id)
        wanted = [number for number in wanted if number not in known]
        worklist.add(connection, broadcast_id, wanted)
    return len(wanted)


def _states(connection: Connection, broadcast_id: int, number: int) -> tuple[str, str]:
    """Of the batch and of the broadcast; empty where there is none."""
    query = select(batches.c.state, broadcasts.c.state).join(broadcasts, broadcasts.c.id == batches.c.broadcast_id)
    row = connection.execute(query.where(_is(broadcast_id, number))).first()
    return (row[0], row[1]) if row else ("", "")


def _is(broadcast_id: int, number: int) -> ColumnElement[bool]:
    return (batches.c.broadcast_id == broadcast_id) & (batches.c.number == number)
