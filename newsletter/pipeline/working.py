"""A worker: Procrastinate brings it jobs, each about one batch, and the ledger says whether that one may be posted.

The event loop only moves jobs about; each batch is posted in a thread of its own. What this process decides is said in
one line each.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from newsletter.audience.tokens import KEY_NAME, known_mark, open_signer
from newsletter.config import secret
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.handover import BatchEnd, is_to_be_posted, post_batch, tend
from newsletter.delivery.job import STOPPED, Job, Tally, reason_of
from newsletter.delivery.protocol import Refused
from newsletter.delivery.states import BatchState, BroadcastState
from newsletter.delivery.worklist import ALIVE, QUEUE, REPORTS, SCHEMA, TASK, JobTable
from newsletter.errors import INTERRUPTED, ConfigError, NewsletterError
from newsletter.pipeline.sending import Sending
from newsletter.publication import Publication
from newsletter.store.tables import broadcasts

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.jobs import Job as Nudge

_TEND = 5.0  # seconds between two looks after all broadcasts
_TICK = 0.2  # seconds; so long a wish to stop waits to be heard
_AGAIN = 60  # seconds until a batch that the provider refused for now is tried again; longer each time
_SOON = 5  # seconds until a batch is looked at again that met a database out of reach
_LATER = 10.0  # seconds until a database that went away is asked for again
_OTHER_KEY = "this machine's key for the links in the mails is not the one of the machine that planned the broadcast"
_SAME_KEY = f"set {KEY_NAME}, or copy .newsletter/token.key from the machine of the scheduler"


class _NotYetError(Exception):
    """A job is to come again in so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True)
class _Mailing:
    """A broadcast that this worker has posted batches of."""

    slug: str
    job: Job
    tally: Tally = field(default_factory=Tally)


@dataclass
class Worker:
    """Posts batches until `wants_stop`, then finishes those in flight. `say` gets a line for each decision."""

    sending: Sending
    worklist: JobTable
    say: Callable[[str], None]
    noted: Callable[[str], None] = lambda _: None  # after each look after the broadcasts: why it failed, or empty
    _mailings: dict[int, _Mailing] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._boss: Broadcaster = self.sending.broadcaster()

    def work(self, *, once: bool = False) -> None:
        """Post what there is to post; `once` ends when no job is left that could be done now."""
        with _heard(self.say):
            while True:
                try:
                    self._run(once)
                except NewsletterError as error:
                    self.noted(error.message)
                    self.say(f"{error.message}; again in {_LATER:.0f} s")
                if once or not self._waits(_LATER if not self.sending.wants_stop() else 0.0):
                    return

    def _run(self, once: bool) -> None:
        with asyncio.Runner() as runner:
            try:
                runner.run(self._work(once))
            except KeyboardInterrupt:  # the second one: the loop would wait for the calls under way all the same
                self.say("ended at once; what was being posted is in doubt")
                os._exit(INTERRUPTED)

    async def _work(self, once: bool) -> None:
        from procrastinate.exceptions import ProcrastinateException

        app, settings = self._app(), self._boss.settings
        try:
            async with app.open_async():
                await self._tend_once(app)
                options: dict[str, Any] = {"queues": [QUEUE], "concurrency": settings.concurrency, "wait": not once}
                options |= {"install_signal_handlers": False, "delete_jobs": "always", "stalled_worker_timeout": ALIVE}
                options |= {"update_heartbeat_interval": REPORTS}
                tasks = [asyncio.create_task(app.run_worker_async(**options))]
                tasks += [asyncio.create_task(each) for each in (self._tend(app), self._until_stopped())]
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()  # the worker's task ends when the batches in flight have ended
                await asyncio.gather(*tasks, return_exceptions=True)
                for task in done:
                    task.result()
        except ProcrastinateException as error:
            raise NewsletterError(f"the worklist cannot be read: {error.__cause__ or error}".strip()) from None

    def _app(self) -> App:
        from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision

        class ComeAgain(BaseRetryStrategy):
            def get_retry_decision(self, *, exception: BaseException, job: Nudge) -> RetryDecision | None:
                seconds = exception.seconds if isinstance(exception, _NotYetError) else _AGAIN
                return RetryDecision(retry_in={"seconds": seconds * (1 + min(job.attempts, 14)) if seconds else 0})

        url = self.sending.store.engine.url.set(drivername="postgresql")
        connector = PsycopgConnector(
            conninfo=url.render_as_string(hide_password=False),
            kwargs={"options": f"-c search_path={SCHEMA},public"},
            min_size=1,
            max_size=4,
        )
        app = App(connector=connector)
        app.task(name=TASK, queue=QUEUE, retry=ComeAgain())(self._post)
        return app

    def _post(self, broadcast: int, number: int) -> None:
        """What a job does, in a thread of its own."""
        try:
            mailing = self._mailing(broadcast)
            began = time.monotonic()
            end = post_batch(self._boss, broadcast, number, mailing.job, mailing.tally)
        except NewsletterError as error:
            self.say(f"batch {number} of broadcast {broadcast}: {error.message}" + (error.hint and f" ({error.hint})"))
            raise _NotYetError(_AGAIN if isinstance(error, ConfigError) else _SOON) from None
        self.say(f'"{mailing.slug}" batch {number}: {_sentence(end, time.monotonic() - began)}')
        if end.broadcast == BroadcastState.SENT and end.state in (BatchState.ACCEPTED, BatchState.REJECTED):
            self.say(f'"{mailing.slug}" is sent')
        if isinstance(end.trouble, Refused) and end.broadcast == BroadcastState.SENDING:
            raise _NotYetError(0 if end.trouble == STOPPED else _AGAIN)

    def _mailing(self, broadcast_id: int) -> _Mailing:
        with self._lock:
            if broadcast_id not in self._mailings:
                job = self.sending.job_of(broadcast_id)
                with self.sending.store.reading() as connection:
                    if known_mark(connection) != open_signer(self.sending.desk.publication.state).mark:
                        raise ConfigError(_OTHER_KEY, _SAME_KEY)
                    query = select(broadcasts.c.slug).where(broadcasts.c.id == broadcast_id)
                    slug = connection.execute(query).scalar_one()
                self._mailings[broadcast_id] = _Mailing(slug, job)
            return self._mailings[broadcast_id]

    async def _tend(self, app: App) -> None:
        while True:
            await asyncio.sleep(_TEND)
            await self._tend_once(app)

    async def _tend_once(self, app: App) -> None:
        """The ledger first, then the jobs of workers that were not heard of: each goes on only as the ledger says."""
        for line in await asyncio.to_thread(tend, self._boss, self.worklist):
            self.say(line)
        for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=ALIVE):
            place = int(str(job.task_kwargs["broadcast"])), int(str(job.task_kwargs["number"]))
            wanted = await asyncio.to_thread(self._is_wanted, *place)
            if wanted is None:
                continue  # somebody is posting it, as far as anyone can know
            verdict = "is tried again" if wanted else "is dropped: its batch is settled, or waits for a person"
            self.say(f"a job about batch {place[1]} of broadcast {place[0]} stood still, and {verdict}")
            if wanted:
                await app.job_manager.retry_job(job)
            else:
                from procrastinate.jobs import Status

                await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        self.noted("")

    def _is_wanted(self, broadcast_id: int, number: int) -> bool | None:
        with self.sending.store.reading() as connection:
            return is_to_be_posted(self._boss, connection, broadcast_id, number)

    async def _until_stopped(self) -> None:
        while not self.sending.wants_stop():
            await asyncio.sleep(_TICK)

    def _waits(self, seconds: float) -> bool:
        """Wait so long; whether nobody wants us to stop."""
        end = time.monotonic() + seconds
        while not self.sending.wants_stop() and time.monotonic() < end:
            time.sleep(_TICK)
        return not self.sending.wants_stop()


def demand_key(publication: Publication) -> None:
    """Raise ConfigError where this machine would make a key of its own for the links by which readers leave."""
    if not secret(KEY_NAME) and not (publication.state / "token.key").exists():
        raise ConfigError("this machine has no key to sign the links in the mails with", _SAME_KEY)


def _sentence(end: BatchEnd, seconds: float) -> str:
    if end.trouble is None and end.state == BatchState.ACCEPTED:
        return f"accepted in {seconds:.2f} s" + (f"; {end.error}" if end.error else "")
    if end.broadcast != BroadcastState.SENDING and end.trouble is None:
        return f"left alone: it is {end.state or 'not there'}, and the broadcast {end.broadcast or 'is not either'}"
    if end.trouble is None:
        return f"{end.state}" + (f": {end.error}" if end.error else "")
    return f"{end.state}: {reason_of(end.trouble)}" + ("" if end.broadcast == "sending" else f"; {end.broadcast}")


@contextmanager
def _heard(say: Callable[[str], None]) -> Iterator[None]:
    """What Procrastinate and its event loop complain of as lines of ours, without tracebacks."""
    handler, loggers = _Lines(say), [logging.getLogger(name) for name in ("procrastinate", "asyncio")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.propagate = False
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.propagate = propagate
            logger.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        why = f": {type(error).__name__}" if error else ""
        self._say(f"{record.name.partition('.')[0]}: {record.getMessage().splitlines()[0]}{why}"[:300])
