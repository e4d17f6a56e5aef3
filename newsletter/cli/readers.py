"""`newsletter subscribers add`, `remove`, `forget`, `suppress`: what is done to one reader by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from newsletter.cli.audience import EMAIL
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import UsageError


def add(
    context: typer.Context,
    email: Annotated[str, EMAIL],
    name: str = typer.Option("", "--name", metavar="NAME", help="The reader's name."),
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; may stand repeatedly.")] = None,
    source: str = typer.Option("", "--consent-source", metavar="TEXT", help="Where they agreed: it must be stated."),
) -> None:
    """Add one reader who has agreed."""
    from newsletter.audience import hand

    out: Output = context.obj
    out.command = "subscribers add"
    address = hand.address_of(email)
    if not source.strip():
        raise UsageError("--consent-source is missing: where did they agree?", '--consent-source "at the fair"')
    with store_of(publication_of(out)) as store, store.transaction() as connection:
        new = hand.add(connection, address, name=name, tags=tags or (), source=source, now=datetime.now(UTC))
    words = "added" if new else "was on the list already"
    out.result({"email": address.email, "added": new}, [f"{address.email} {words}"])


def remove(context: typer.Context, email: Annotated[str, EMAIL]) -> None:
    """Unsubscribe one reader who asked for it."""
    from newsletter.audience import consent, hand

    out: Output = context.obj
    out.command = "subscribers remove"
    address = hand.address_of(email)
    with store_of(publication_of(out)) as store, store.transaction() as connection:
        member = consent.find(connection, email_key=address.key)
        if member is None:
            raise UsageError(f"{address.email} is not on the list", "see: newsletter subscribers list")
        changed = consent.goodbye(connection, member.id, "by hand", datetime.now(UTC))
    words = "unsubscribed" if changed else f"was {member.state} already"
    out.result({"email": address.email, "changed": changed}, [f"{address.email} {words}"])


def forget(context: typer.Context, email: Annotated[str, EMAIL]) -> None:
    """Erase one reader who asked for it.

    A keyed hash stays, which keeps lists from bringing the address back. Mails in .newsletter/outbox and backups are
    not touched.
    """
    from newsletter.audience import erasure, hand

    out: Output = context.obj
    out.command = "subscribers forget"
    address = hand.address_of(email)
    with store_of(publication_of(out)) as store, store.transaction() as connection:
        known = erasure.forget(connection, address.key, datetime.now(UTC))
    words = "erased" if known else "was not on the list; it will not come back by an import"
    out.result({"email": address.email, "erased": known}, [f"{address.email} {words}"])


def suppress(
    context: typer.Context,
    email: Annotated[str, EMAIL],
    reason: str = typer.Option("manual", "--reason", metavar="WORD", help="Why, in a word or two."),
    lift: bool = typer.Option(False, "--lift", help="Let the address be mailed again."),
) -> None:
    """Never mail an address, whoever signs it up and whatever list holds it."""
    from newsletter.audience import hand, suppression

    out: Output = context.obj
    out.command = "subscribers suppress"
    address = hand.address_of(email)
    with store_of(publication_of(out)) as store, store.transaction() as connection:
        if lift:
            changed = suppression.unsuppress(connection, address.key)
        else:
            changed = suppression.suppress(connection, address.key, reason[:32], "by hand", datetime.now(UTC))
    words = ("may be mailed again" if changed else "was not suppressed") if lift else "is suppressed"
    out.result({"email": address.email, "changed": changed, "suppressed": not lift}, [f"{address.email} {words}"])
