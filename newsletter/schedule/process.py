"""The scheduler's process: APScheduler asks every minute for one pass. It keeps nothing that is worth keeping."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_LOOK = 20.0  # seconds between two looks at the clock
_FAR = timedelta(seconds=90)


def run_every_minute(one_pass: Callable[[], object], stop: threading.Event) -> None:
    """Run `one_pass` now and at every full minute, never two at once, until `stop` is set; then wait for the last one.

    A minute that passes while one is running, or while the machine sleeps, is made up for by one pass, not by many: the
    database tells which slot is due, so a late pass finds it as well. Where the clock is set back, the next minute
    would come only when it has caught up: then a pass runs at once.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor  # noqa: PLC0415 - 190 ms
    from apscheduler.schedulers.background import BackgroundScheduler  # noqa: PLC0415

    one_pass()
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
    job = scheduler.add_job(one_pass, "cron", second=0, coalesce=True, max_instances=1, misfire_grace_time=None)
    scheduler.start()
    try:
        while not stop.wait(_LOOK):
            if job.next_run_time - datetime.now(UTC) > _FAR:
                job.modify(next_run_time=datetime.now(UTC))
    finally:
        scheduler.shutdown(wait=True)
