"""`newsletter worker`: post batches that other processes planned."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import typer

from newsletter.cli.opening import publication_of
from newsletter.cli.output import Output
from newsletter.errors import INTERRUPTED, ConfigError


def worker(
    context: typer.Context,
    once: bool = typer.Option(False, "--once", help="End when there is nothing to post just now."),
    health_port: int = typer.Option(
        0, "--health-port", metavar="P", min=0, max=65535, help="Answer GET /health on 127.0.0.1 at this port."
    ),
) -> None:
    """Post the batches of broadcasts, beside any number of other workers, until Ctrl-C.

    Needs [delivery] workers = true and PostgreSQL. The scheduler opens the slots and plans; workers post.
    """
    from newsletter.cli.stopping import stop_on_signals
    from newsletter.clock import SystemClock
    from newsletter.pipeline.desk import open_desk
    from newsletter.pipeline.providers import open_provider
    from newsletter.pipeline.sending import Sending, worklist_of
    from newsletter.pipeline.working import Worker, demand_key
    from newsletter.schedule.health import Health, serving
    from newsletter.store.database import open_store

    out: Output = context.obj
    out.command = "worker"
    publication, health = publication_of(out), Health()

    def say(line: str) -> None:
        now = datetime.now(publication.config.schedule.zone)
        out.event("worker", {"at": now.isoformat(), "line": line}, f"{now:%Y-%m-%d %H:%M:%S %Z}  {line}")

    if not publication.config.delivery.workers:
        raise ConfigError(
            "[delivery] workers is false: nobody writes jobs for a worker", "set it to true, with PostgreSQL"
        )
    store = open_store(publication.config.storage.database_url, publication.state)
    try:
        worklist = worklist_of(publication, store)
        assert worklist is not None  # noqa: S101 - the configuration says so
        demand_key(publication)
        with (
            open_provider(publication) as opened,
            stop_on_signals(out.say) as stop,
            serving(health, health_port) if health_port else nullcontext(),
        ):
            if opened.notice:
                out.warn(opened.notice)
            sending = Sending(
                open_desk(publication),
                store,
                opened.provider,
                SystemClock(),
                wants_stop=stop.wanted,
                fallback=opened.fallback,
            )
            say(f"waiting for batches, {publication.config.delivery.concurrency} at a time")
            Worker(sending, worklist, say, lambda trouble: health.end("at work", trouble)).work(once=once)
            say("ended")
    finally:
        store.close()
    out.exit_code = INTERRUPTED if stop.interrupted else 0
