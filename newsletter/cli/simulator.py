"""`newsletter simulator`: a local AutoSend, until somebody stops it."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Literal

import typer

from newsletter.cli.output import Output
from newsletter.errors import INTERRUPTED, ConfigError, UsageError


def run(
    context: typer.Context,
    *,
    port: int = typer.Option(8026, metavar="P", min=0, max=65535, help="The port on this machine; 0 for a free one."),
    data: Path | None = typer.Option(
        None, metavar="DIR", help="Where the mails are kept. Default: .newsletter/simulator of the publication."
    ),
    api_key: str | None = typer.Option(None, metavar="K", help="The only key that is taken. Default: any."),
    rate: float = typer.Option(2.0, metavar="N", min=0, help="Requests a second and key; 0 for no limit."),
    latency: int = typer.Option(0, metavar="MS", min=0, help="Milliseconds before each answer."),
    faults: str = typer.Option(
        "", metavar="SPEC", help="Faults to answer with, such as 429:0.1,reset-after:0.02;seed=7 or at:3=500."
    ),
    older: bool = typer.Option(False, "--older", help="Behave as the older documentation says."),
    webhook: str = typer.Option(
        "", metavar="URL", help="An address on this machine that gets signed events; NAME+bounce@… bounces."
    ),
    webhook_secret: str = typer.Option("", metavar="NAME", help="The NAME of the environment variable to sign with."),
    bodies: Literal["full", "template"] = typer.Option(
        "full", "--bodies", help="Keep each mail, or the template and its values only."
    ),
    no_idempotency: bool = typer.Option(False, "--no-idempotency", help="Take a repeat under the same key again."),
) -> None:
    """Play AutoSend on this machine.

    Takes mails, checks them, keeps them, shows them on a page, until Ctrl-C. Nothing leaves the machine.
    """
    from newsletter.simulator import Simulator, SimulatorOptions

    out: Output = context.obj
    out.command = "simulator"
    options = SimulatorOptions(
        data=(data or _state(out)).resolve(),
        port=port,
        api_key=api_key,
        rate=rate,
        latency_ms=latency,
        faults=faults,
        idempotency=not no_idempotency,
        bodies=bodies,
        older=older,
        webhook=webhook,
        webhook_secret=_secret(webhook_secret),
    )
    # Before the port is open: who stops us early must not meet Python's default.
    stopped, reasons = _stop_signals()
    with Simulator(options) as simulator:
        earlier = len(simulator.mailbox)
        out.result(
            {"url": simulator.url, "page": simulator.page, "data": str(options.data)},
            [
                f"API   {simulator.url}  ({'its key only' if api_key else 'any key'})",
                f"page  {simulator.page}",
                f"data  {options.data}" + (f"  ({earlier:,} mails from before)" if earlier else ""),
            ],
        )
        sys.stdout.flush()
        if not out.json:
            out.say("Ctrl-C stops it")
        stopped.wait()
        taken = len(simulator.mailbox) - earlier
    if not out.json:
        out.say(f"stopped; {taken:,} mails taken")
    # A service manager's SIGTERM is a good end; a person's Ctrl-C also ends the shell's line (130).
    raise typer.Exit(INTERRUPTED if signal.SIGINT in reasons else 0)


def _stop_signals() -> tuple[threading.Event, list[int]]:
    """An event that SIGINT and SIGTERM set, and which of them came."""
    stopped, reasons = threading.Event(), list[int]()

    def stop(number: int, _: object) -> None:
        reasons.append(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped, reasons


def _state(out: Output) -> Path:
    """`.newsletter/simulator` of the publication, where `send` keeps simulated mail too; else a folder right here."""
    from newsletter.publication import find_publication

    try:
        return find_publication(Path.cwd(), out.folder).state / "simulator"
    except ConfigError:
        if out.folder is not None:
            raise
        return Path("newsletter-simulator")


def _secret(name: str) -> str:
    from newsletter.config import secret

    found = secret(name) if name else None
    if name and found is None:
        # The name is not repeated: it may be the secret itself.
        raise UsageError(
            "--webhook-secret: there is no environment variable of that name",
            "it takes the NAME of a variable that holds the secret, never the secret",
        )
    return found.reveal() if found else ""
