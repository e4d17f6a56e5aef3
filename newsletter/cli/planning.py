"""`newsletter queue` and `newsletter scheduler`: which issue goes out when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import ISSUE, example
from newsletter.cli.opening import day_of, moment_of, publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from newsletter.schedule.queue import Approved
    from newsletter.schedule.slots import Slot

queue = typer.Typer(
    help="See and change what waits for its slot.", invoke_without_command=True, epilog=example("queue")
)
scheduler = typer.Typer(help="Open slots when they come.")


@queue.callback()
def default(context: typer.Context) -> None:
    """See and change what waits for its slot: approved issues, in order."""
    if context.invoked_subcommand is None:
        list_queue(context)


@queue.command("list", epilog=example("queue list"))
def list_queue(context: typer.Context) -> None:
    """Show the queue, in its order."""
    _change(context, "queue list")


@queue.command("move", epilog=example("move"))
def move(
    context: typer.Context,
    issue: Annotated[str, ISSUE],
    to: Annotated[int, typer.Argument(metavar="PLACE", min=1, help="1 is the front; past the end is the end.")],
) -> None:
    """Bring an issue to a place of the queue."""
    from newsletter.schedule.queue import move as move_issue

    _change(context, "queue move", issue, lambda connection, slug: move_issue(connection, slug, to))


@queue.command("hold", epilog=example("hold"))
def hold(context: typer.Context, issue: Annotated[str, ISSUE]) -> None:
    """Keep an issue from going out until it is released."""
    from newsletter.schedule.queue import hold as hold_issue

    _change(context, "queue hold", issue, lambda connection, slug: hold_issue(connection, slug, held=True))


@queue.command("release", epilog=example("release"))
def release(context: typer.Context, issue: Annotated[str, ISSUE]) -> None:
    """Let a held issue go out again."""
    from newsletter.schedule.queue import hold as hold_issue

    _change(context, "queue release", issue, lambda connection, slug: hold_issue(connection, slug, held=False))


def calendar(
    context: typer.Context,
    start: str = typer.Option("", "--from", metavar="DATE", help="The first day; today where there is none."),
    weeks: int = typer.Option(5, "--weeks", metavar="N", min=1, max=106, help="How many weeks."),
    ics: Path | None = typer.Option(None, "--ics", metavar="FILE", help="Write an iCalendar file (- is stdout)."),
) -> None:
    """Show which issue goes out when.

    The slots of some weeks: what became of them, what is planned for them as the queue stands, and which are free.
    """
    from newsletter.pipeline.agenda import calendar_of, write_ics
    from newsletter.schedule.calendar import month_view

    out: Output = context.obj
    out.command = "calendar"
    publication = publication_of(out)
    now = datetime.now(UTC)
    first = day_of(start) if start else now.astimezone(publication.config.schedule.zone).date()
    days = (first, first + timedelta(weeks=weeks))
    with store_of(publication) as store:
        entries = calendar_of(publication, store, days, now)
    lines = month_view(publication.config.schedule, days, entries)
    if ics:
        lines = write_ics(ics, publication, entries, now)
    data = [
        {"slot": entry.slot.wall_time, "timezone": entry.slot.timezone, "starts_at": entry.slot.starts_at.isoformat()}
        | {"state": entry.state, "slug": entry.slug}
        for entry in entries
    ]
    out.result({"slots": data, "ics": str(ics) if ics else None}, lines)


@scheduler.command("explain", epilog=example("explain"))
def explain(
    context: typer.Context,
    date: Annotated[str, typer.Argument(metavar="DATE", help="A day of the publication's calendar: YYYY-MM-DD.")],
) -> None:
    """Say what goes out on a day, and why not others."""
    from newsletter.pipeline.agenda import explanation

    out: Output = context.obj
    out.command = "scheduler explain"
    day = day_of(date)
    publication = publication_of(out)
    with store_of(publication) as store:
        sentences = explanation(publication, store, day, datetime.now(UTC))
    out.result({"date": date, "sentences": sentences}, sentences)


@scheduler.command("once", epilog=example("once"))
def once(
    context: typer.Context,
    now: str = typer.Option(
        "",
        "--now",
        metavar="TIME",
        help="Act as if it were TIME; the slot is really opened, its issue really sent.",
    ),
    late: str = typer.Option("", "--late", metavar="send|skip", help="Your word on a slot that waits for it."),
) -> None:
    """Open the slot that is due, and end.

    For cron and systemd timers: goes on with what stopped midway, then opens the slot that is due.
    """
    from newsletter.cli.scheduling import one_pass
    from newsletter.clock import SystemClock

    out: Output = context.obj
    out.command = "scheduler once"
    if late not in ("", "send", "skip"):
        raise UsageError("--late takes send or skip", "see: newsletter scheduler once --help")
    publication = publication_of(out)
    clock = SystemClock.starting_at(moment_of(now, publication)) if now else SystemClock()
    one_pass(out, publication, clock, late)


@scheduler.command("run", epilog=example("run"))
def run(
    context: typer.Context,
    health_port: int = typer.Option(
        0,
        "--health-port",
        metavar="P",
        min=0,
        max=65535,
        help="Answer GET /health and /metrics on 127.0.0.1 at this port.",
    ),
) -> None:
    """Stay and open each slot, until Ctrl-C."""
    from newsletter.cli.scheduling import run_scheduler

    out: Output = context.obj
    out.command = "scheduler run"
    run_scheduler(out, publication_of(out), health_port)


def _when(issue: Approved, slot: Slot | None, objection: str) -> str:
    """When an issue of the queue goes out, or why it does not."""
    if issue.held:
        return "held: newsletter queue release"
    if objection:
        return f"not sent as it is: {objection}"
    if slot:
        return f"{slot}" + (" (pinned)" if issue.pinned_to else "")
    return (
        f"pinned to {issue.pinned_to}, which another issue takes or is no coming slot"
        if issue.pinned_to
        else "in no slot of the next year"
    )


def _change(
    context: typer.Context, command: str, reference: str = "", change: Callable[[Connection, str], None] | None = None
) -> None:
    """Make one change of the queue to the issue that `reference` means, if any, and show the queue as it is then."""
    from newsletter.pipeline.agenda import queue_of
    from newsletter.pipeline.selection import select_slug

    out: Output = context.obj
    out.command = command
    publication = publication_of(out)
    with store_of(publication) as store:
        if change:
            slug = select_slug(publication, store, reference)
            with store.transaction() as connection:
                change(connection, slug)
        issues, turns, objections = queue_of(publication, store, datetime.now(UTC))
    width = max((len(issue.slug) for issue in issues), default=0)
    lines, data = [], []
    for place, issue in enumerate(issues, start=1):
        slot = turns.get(issue.slug)
        lines.append(f"{place:>3}  {issue.slug:<{width}}  {_when(issue, slot, objections.get(issue.slug, ''))}")
        values = {name: str(value) for name, value in vars(issue).items()}
        data.append(values | {"slot": slot.wall_time if slot else ""})
    out.result({"queue": data}, lines or ["the queue is empty: approve an issue with: newsletter approve ISSUE"])
