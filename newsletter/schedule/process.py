"""The scheduler's process: APScheduler asks every minute for one pass. It keeps nothing that is worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC


def run_every_minute(one_pass: Callable[[], object]) -> None:
    """Run `one_pass` now and at every full minute, never two at once, until SystemExit or Ctrl-C.

    A minute that passes while one is running, or while the machine sleeps, is made up for by one pass, not by many: the
    database tells which slot is due, so a late pass finds it as well.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor  # noqa: PLC0415 - 190 ms
    from apscheduler.schedulers.blocking import BlockingScheduler  # noqa: PLC0415

    scheduler = BlockingScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
    scheduler.add_job(one_pass, "cron", second=0, coalesce=True, max_instances=1, misfire_grace_time=None)
    one_pass()
    scheduler.start()
