"""`newsletter send` and `status`: what goes out, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.arguments import ISSUE
from newsletter.cli.opening import publication_of, store_of, tracer_of
from newsletter.cli.output import Output
from newsletter.errors import INTERRUPTED, NewsletterError, PartlySentError, UsageError

if TYPE_CHECKING:
    from newsletter.cli.stopping import Stop
    from newsletter.delivery.report import Report
    from newsletter.pipeline.desk import Desk
    from newsletter.pipeline.sending import Sending
    from newsletter.store.database import Store


def send(
    context: typer.Context,
    issue: Annotated[str, ISSUE],
    addresses: list[str] = typer.Option(
        [], "--test", metavar="ADDR", help="Send a test to this address; may be repeated."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be sent, send nothing."),
    now: bool = typer.Option(False, "--now", help="Send now, outside of any slot; needs --confirm."),
    confirm: str = typer.Option("", "--confirm", metavar="SLUG:COUNT", help="What --now asks you to type."),
    resume: bool = typer.Option(False, "--resume", help="Go on with a broadcast that stopped midway."),
    unknown: str = typer.Option(
        "", "--unknown", metavar="repeat|skip", help="With --resume: what to do with batches in doubt."
    ),
) -> None:
    """Send a test, rehearse, send now, or resume.

    Just one of --test, --dry-run, --now and --resume. An approved issue goes out by itself in its slot.
    """
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "send"
    if sum((bool(addresses), dry_run, now, resume)) != 1:
        raise UsageError(
            "say how: one of --test ADDR, --dry-run, --now, --resume",
            "an approved issue goes out by itself in its slot: newsletter scheduler run",
        )
    if unknown not in ("", "repeat", "skip") or (unknown and not resume):
        raise UsageError("--unknown takes repeat or skip, and goes with --resume", "see: newsletter send --help")
    if confirm and not now:
        raise UsageError("--confirm goes with --now", "see: newsletter send --help")
    publication = publication_of(out)
    desk = open_desk(publication)
    with store_of(publication) as store:
        if dry_run:
            _dry_run(out, desk, store, issue)
        elif addresses:
            _test(out, desk, store, issue, addresses)
        elif resume:
            _resume(out, desk, store, issue, unknown)
        else:
            _now(out, desk, store, issue, confirm)


def status(context: typer.Context) -> None:
    """Show where things stand.

    Subscribers, the next slot and what goes out in it, the queue, the last broadcasts.
    """
    from newsletter.pipeline.overview import overview

    out: Output = context.obj
    out.command = "status"
    publication = publication_of(out)
    with store_of(publication) as store:
        data, lines = overview(publication, store, datetime.now(UTC))
    out.result(data, lines)


def stop(
    context: typer.Context,
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Why, for whoever looks at status."),
) -> None:
    """Stop all sending: calls under way are finished, no other is made.

    It holds for every process on every machine, until `newsletter resume`. No slot is opened meanwhile.
    """
    from newsletter.delivery import switch

    out: Output = context.obj
    out.command = "stop"
    with store_of(publication_of(out)) as store, store.transaction() as connection:
        new = switch.stop(connection, reason, datetime.now(UTC))
        state = switch.stopped(connection)
    assert state is not None  # noqa: S101 - it was set here, or before
    since = f"{state.since:%Y-%m-%d %H:%M} UTC"
    line = "stopped: calls under way are finished, no other is made" if new else f"it is stopped since {since}"
    out.result(
        {"stopped": True, "since": state.since.isoformat(), "reason": state.reason},
        [line, "go on with: newsletter resume"],
    )


def resume(context: typer.Context) -> None:
    """Allow sending again after `newsletter stop`.

    A broadcast that it paused is gone on with by the scheduler, or by `newsletter send ISSUE --resume`.
    """
    from newsletter.delivery import switch

    out: Output = context.obj
    out.command = "resume"
    with store_of(publication_of(out)) as store, store.transaction() as connection:
        lifted, slugs = switch.resume(connection)
    lines = ["sending is allowed again" if lifted else "it was not stopped"]
    lines += [f"the scheduler goes on with {slug}; or now: newsletter send {slug} --resume" for slug in slugs]
    out.result({"stopped": False, "lifted": lifted, "broadcasts": slugs}, lines)


def _test(out: Output, desk: Desk, store: Store, reference: str, addresses: list[str]) -> None:
    from newsletter.audience.addresses import parse_address
    from newsletter.clock import SystemClock
    from newsletter.pipeline.providers import open_provider
    from newsletter.pipeline.selection import select_issue
    from newsletter.pipeline.sending import Sending

    try:
        recipients = [parse_address(address).email for address in addresses]
    except ValueError as error:
        raise UsageError(f"--test: {error}", "for example: --test you@example.org") from None
    edition = desk.render(select_issue(desk, store, reference))
    with open_provider(desk.publication) as opened:
        Sending(desk, store, opened.provider, SystemClock()).test(edition, recipients)
    lines = [f'sent "{edition.slug}" as a test to {", ".join(recipients)}']
    out.result(
        {"slug": edition.slug, "digest": edition.digest, "to": recipients, "notice": opened.notice},
        [*lines, *([opened.notice] if opened.notice else [])],
    )


def _dry_run(out: Output, desk: Desk, store: Store, reference: str) -> None:
    from newsletter.pipeline.rehearsal import rehearse
    from newsletter.pipeline.selection import select_issue

    issue = select_issue(desk, store, reference)
    data, lines = rehearse(desk, store, issue, datetime.now(UTC))
    out.result(data, lines)


def _now(out: Output, desk: Desk, store: Store, reference: str, typed: str) -> None:
    from newsletter.pipeline.rehearsal import approved_or_new
    from newsletter.pipeline.selection import select_issue
    from newsletter.pipeline.sending import confirm

    issue = select_issue(desk, store, reference)
    with store.reading() as connection:
        confirm(connection, issue, typed)
    approved = approved_or_new(desk, store, issue, datetime.now(UTC))

    def act(sending: Sending) -> Report:
        return sending.post(sending.plan_now(approved))

    _with_provider(out, desk, store, issue.slug, act)


def _resume(out: Output, desk: Desk, store: Store, reference: str, unknown: str) -> None:
    from newsletter.pipeline.selection import select_slug

    slug = select_slug(desk.publication, store, reference)
    _with_provider(out, desk, store, slug, lambda sending: sending.resume(slug, unknown))


def _with_provider(out: Output, desk: Desk, store: Store, slug: str, act: Any) -> None:
    """Open the provider, do `act` with progress and a way to stop, and print the report."""
    from newsletter.cli.progress import progress_of
    from newsletter.cli.stopping import stop_on_signals
    from newsletter.clock import SystemClock
    from newsletter.delivery.states import BroadcastState
    from newsletter.pipeline.providers import open_provider
    from newsletter.pipeline.sending import Sending, summary, worklist_of

    with (
        open_provider(desk.publication) as opened,
        stop_on_signals(out.say) as stop,
        progress_of(out, slug) as progress,
        tracer_of(out) as tracer,
    ):
        worklist = worklist_of(desk.publication, store)
        sending = Sending(
            desk,
            store,
            opened.provider,
            SystemClock(),
            progress,
            stop.wanted,
            pauses=True,
            fallback=opened.fallback,
            worklist=worklist,
            tracer=tracer,
        )
        try:
            report = act(sending)
        except NewsletterError as error:
            raise _stopped(stop, error) from None
    if report.state == BroadcastState.SENDING and report.awaits:
        out.warn(f"the scheduler goes on with it by itself; else, then: newsletter send {slug} --resume")
    elif report.state == BroadcastState.SENDING and not report.rests and not worklist:
        raise PartlySentError(
            summary(report), f"see how far it is: newsletter status; or: newsletter send {slug} --resume"
        )
    if opened.notice:
        out.warn(opened.notice)
    out.result(report.as_json(), [sending.told(report)])


def _stopped(stop: Stop, error: NewsletterError) -> NewsletterError:
    """The error as it is, but with Ctrl-C's exit code where it was Ctrl-C that stopped the sending."""
    if stop.interrupted:
        error.exit_code = INTERRUPTED
    return error
