"""`newsletter queue` and `newsletter scheduler`: which issue goes out when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import ISSUE, example
from newsletter.cli.opening import day_of, moment_of, publication_of, store_of
from newsletter.cli.output import Output

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from newsletter.schedule.queue import Approved
    from newsletter.schedule.slots import Slot

queue = typer.Typer(help="See and change what waits for its slot.", invoke_without_command=True)
scheduler = typer.Typer(help="Open slots when they come.")


@queue.callback()
def default(context: typer.Context) -> None:
    """See and change what waits for its slot: approved issues, in order."""
    if context.invoked_subcommand is None:
        list_queue(context)


@queue.command("list")
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


@scheduler.command("explain", epilog=example("explain"))
def explain(
    context: typer.Context,
    date: Annotated[str, typer.Argument(metavar="DATE", help="A day of the publication's calendar: YYYY-MM-DD.")],
) -> None:
    """Say what goes out on a day, and why not others."""
    from newsletter.schedule.explain import explain_day

    out: Output = context.obj
    out.command = "scheduler explain"
    day = day_of(date)
    publication = publication_of(out)
    with store_of(publication) as store, store.reading() as connection:
        schedule = publication.config.schedule
        sentences = explain_day(connection, schedule, day, datetime.now(UTC), schedule.late_window)
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
) -> None:
    """Open the slot that is due, and end.

    For cron and systemd timers: goes on with what stopped midway, then opens the slot that is due.
    """
    from newsletter.cli.scheduling import one_pass
    from newsletter.clock import SystemClock

    out: Output = context.obj
    out.command = "scheduler once"
    publication = publication_of(out)
    clock = SystemClock.starting_at(moment_of(now, publication)) if now else SystemClock()
    one_pass(out, publication, clock)


@scheduler.command("run")
def run(context: typer.Context) -> None:
    """Stay and open each slot, until Ctrl-C."""
    from newsletter.cli.scheduling import run_scheduler

    out: Output = context.obj
    out.command = "scheduler run"
    run_scheduler(out, publication_of(out))


def _when(issue: Approved, slot: Slot | None) -> str:
    """When an issue of the queue goes out, or why it does not."""
    if issue.held:
        return "held: newsletter queue release"
    if slot:
        return f"{slot}" + (" (pinned)" if issue.pinned_to else "")
    return f"pinned to {issue.pinned_to}, which is no coming slot" if issue.pinned_to else "in no slot of the next year"


def _change(
    context: typer.Context, command: str, reference: str = "", change: Callable[[Connection, str], None] | None = None
) -> None:
    """Make one change of the queue to the issue that `reference` means, if any, and show the queue as it is then."""
    from newsletter.pipeline.selection import select_slug
    from newsletter.schedule.forecast import slots_of_issues
    from newsletter.schedule.queue import approved

    out: Output = context.obj
    out.command = command
    publication = publication_of(out)
    with store_of(publication) as store:
        if change:
            slug = select_slug(publication, store, reference)
            with store.transaction() as connection:
                change(connection, slug)
        with store.reading() as connection:
            issues = approved(connection)
            slots = slots_of_issues(connection, publication.config.schedule, datetime.now(UTC))
    width = max((len(issue.slug) for issue in issues), default=0)
    lines = [
        f"{place:>3}  {issue.slug:<{width}}  {_when(issue, slots.get(issue.slug))}"
        for place, issue in enumerate(issues, start=1)
    ]
    data = [{name: str(value) for name, value in vars(issue).items()} for issue in issues]
    out.result({"queue": data}, lines or ["the queue is empty: approve an issue with: newsletter approve ISSUE"])
