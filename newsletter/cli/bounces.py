"""`newsletter bounces`: bounces and complaints that come as mails."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.arguments import example
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import ConfigError, UsageError

_PAGE = 100  # mails read in one go
app = typer.Typer(help="Bounces and complaints that come as mails.")


@app.callback()
def bounces() -> None:
    """Bounces and complaints that come as mails."""


@app.command("read", epilog=example("bounces"))
def read(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Mails, mbox, Maildir, imaps://USER@HOST/FOLDER; - is standard input."),
    ],
) -> None:
    """Read bounces (DSN) and spam complaints (ARF) from mails, and heed them. The same mail twice counts once."""
    from newsletter.delivery.events import MAIL, PAGE, apply_events, store_events
    from newsletter.providers.bounce_mails import read_report

    out: Output = context.obj
    out.command = "bounces read"
    publication = publication_of(out)
    now, mails, told = datetime.now(UTC), 0, 0
    with store_of(publication) as store:
        for page in _pages(_mails(files, now)):
            mails += len(page)
            found = [event for mail in page for event in read_report(mail, now)]
            told += len(found)
            with store.transaction() as connection:
                store_events(connection, MAIL, found, now)
        while True:
            with store.transaction() as connection:
                applied = apply_events(connection, now, publication.config.public.soft_bounces)
            if applied < PAGE:
                break
    out.result(
        {"mails": mails, "events": told},
        [f"{mails} mail{'s' if mails != 1 else ''} read, {told} report{'s' if told != 1 else ''} heeded"],
    )


def _pages(mails: Iterator[bytes]) -> Iterator[list[bytes]]:
    while page := list(islice(mails, _PAGE)):
        yield page


def _mails(files: list[str], now: datetime) -> Iterator[bytes]:
    from newsletter.providers.bounce_box import is_mailbox, mails_at
    from newsletter.providers.bounce_mails import mails_in

    for file in files:
        if file == "-":
            with tempfile.TemporaryDirectory(prefix="newsletter-bounces-") as folder:
                copy = Path(folder) / "mails"  # an mbox has to be a file
                with copy.open("wb") as file_of_mails:
                    shutil.copyfileobj(sys.stdin.buffer, file_of_mails)
                yield from mails_in(copy)
        elif is_mailbox(file):
            yield from mails_at(file, _password(), now)
        else:
            try:
                yield from mails_in(Path(file))
            except OSError as error:
                raise UsageError(
                    f"{file}: cannot be read: {error.strerror or error}", "a mail, an mbox or a Maildir"
                ) from None


def _password() -> str:
    from newsletter.config import secret
    from newsletter.providers.bounce_box import PASSWORD

    found = secret(PASSWORD)
    if not found:
        raise ConfigError(f"the secret {PASSWORD} is not set", "put it where secrets are found: docs/sending.md")
    return found.reveal()
