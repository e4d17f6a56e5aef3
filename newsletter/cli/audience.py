"""`newsletter subscribers`: who reads."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.arguments import example
from newsletter.cli.opening import day_of, publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import NewsletterError, StoppedError, UsageError

if TYPE_CHECKING:
    from newsletter.audience.files import Reject
    from newsletter.audience.importing import ImportReport

app = typer.Typer(help="See and change who reads.")
_SHOWN = 20  # bad lines of a list, before "and so many more"
EMAIL = typer.Argument(metavar="EMAIL", help="The reader's address.")
SEGMENT = typer.Option("", "--segment", metavar="WHO", help='Such as "tag:beta and language=fr"; see docs/readers.md.')


@app.command("import", epilog=example("import"))
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON or NDJSON.")],
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would happen, change nothing."),
    source: str = typer.Option(
        "", "--consent-source", metavar="TEXT", help="Where they agreed, if the list does not say."
    ),
    date: str = typer.Option("", "--consent-date", metavar="DATE", help="When they agreed, if the list does not say."),
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag for all of them.")] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", metavar="COLUMN", help="A column to keep as a field.")
    ] = None,
    encoding: str = typer.Option("", "--encoding", metavar="NAME", help="Of a list that is not Unicode: cp1252…"),
    bad: Path | None = typer.Option(
        None, "--bad", metavar="FILE", help="Write the lines left out, with reasons, here."
    ),
) -> None:
    """Take a list of subscribers in.

    The exports of Mailchimp, Substack, Ghost, Buttondown and beehiiv are understood as they are. The list is taken
    whole or not at all, but for lines that are no subscriber. Who left is never brought back. Where and when the
    readers agreed must be in the list, or stated.
    """
    from newsletter.audience.files import Origin, describe_columns, read_list, readable_twice
    from newsletter.audience.importing import import_entries
    from newsletter.cli.progress import reading_of

    out: Output = context.obj
    out.command = "subscribers import"
    publication = publication_of(out)
    agreed = _day_of_consent(date)
    origin = Origin(encoding, tuple(fields or ()))
    now = datetime.now(UTC)
    with (
        readable_twice(file) as readable,
        store_of(publication) as store,
        _rejects_to(bad) as reject,
        reading_of(out, readable) as show,
        store.transaction() as connection,
        _nothing_if_stopped(file),
    ):

        def look(report: ImportReport) -> None:
            show(report.read, report.added)
            if not dry_run:
                _need_consent(file, report, source, date)

        columns = describe_columns(readable, origin) if dry_run else []
        name = source or f"import of {file.name}"
        listed = read_list(readable, origin)
        report = import_entries(
            connection, listed, source=name, now=now, agreed=agreed, tags=tags or (), progress=look, bad=reject
        )
        if dry_run:
            connection.rollback()
    if missing := _missing(report, source, date):
        out.warn(f"this will be refused: the list does not say {missing} its readers agreed")
    for line in _left_out(file, report):
        out.warn(line)
    out.result(_as_json(report, dry_run, columns), [*_table(columns), _summary(report, dry_run)])


@app.command("count", epilog=example("count"))
def count(context: typer.Context, segment: str = SEGMENT) -> None:
    """Count the subscribers in each state; with a segment, those who would be mailed and who not."""
    from newsletter.audience.subscribers import count_audience, count_by_state

    out: Output = context.obj
    out.command = "subscribers count"
    with store_of(publication_of(out)) as store, store.reading() as connection:
        if segment:
            mailed, others = count_audience(connection, segment)
            out.result({"mailed": mailed, "others": others}, [f"{mailed:>8}  mailed", f"{others:>8}  not"])
            return
        counts = count_by_state(connection)
    out.result({"states": counts}, [f"{number:>8}  {state}" for state, number in counts.items()] or ["nobody yet"])


@app.command("list", epilog=example("list"))
def list_subscribers(
    context: typer.Context,
    segment: str = SEGMENT,
    limit: int = typer.Option(100, "--limit", metavar="N", min=1, help="So many at most."),
) -> None:
    """List subscribers, all or those of a segment."""
    from newsletter.audience import listing

    out: Output = context.obj
    out.command = "subscribers list"
    now = datetime.now(UTC)
    with store_of(publication_of(out)) as store, store.reading() as connection:
        found = list(listing.rows(connection, segment, now, limit))
        total = listing.count(connection, segment, now)
    lines = [f"{row['state']:<12} {row['email']:<40} {row['name']}  {', '.join(row['tags'])}".rstrip() for row in found]
    if total > len(found):
        out.warn(f"{total - len(found)} more: --limit")
    out.result({"subscribers": found, "total": total}, lines or ["nobody"])


@app.command("export", epilog=example("export"))
def export(
    context: typer.Context,
    target: Path | None = typer.Option(None, "-o", metavar="FILE", help="The file; else it is printed."),
    form: str = typer.Option("", "--format", metavar="FORM", help="csv or ndjson; else by the file's name."),
    segment: str = SEGMENT,
) -> None:
    """Write the list as a file that `import` reads back."""
    from newsletter.audience import listing

    out: Output = context.obj
    out.command = "subscribers export"
    form = form or ("ndjson" if target and target.suffix in (".ndjson", ".jsonl") else "csv")
    if form not in ("csv", "ndjson"):
        raise UsageError(f'--format: there is no form "{form}"', "csv or ndjson")
    if target is None and out.json:
        raise UsageError(
            "--json needs -o: the list itself is printed otherwise", "subscribers export -o list.csv --json"
        )
    with store_of(publication_of(out)) as store, store.reading() as connection:
        found = listing.rows(connection, segment, datetime.now(UTC))
        if target is None:
            number = listing.write(sys.stdout, found, form)
            out.say(f"{number} subscribers")
            return
        try:
            with target.open("w", encoding="utf-8", newline="") as file:
                number = listing.write(file, found, form)
        except OSError as error:
            raise NewsletterError(f"{target}: cannot be written: {error.strerror}", "choose another file") from None
    out.result({"file": str(target), "subscribers": number}, [f"{target}: {number} subscribers"])


@app.command("show", epilog=example("show"))
def show(context: typer.Context, email: Annotated[str, EMAIL]) -> None:
    """Show all that is stored about one reader: what to answer to a request for one's data."""
    from newsletter.audience import listing
    from newsletter.audience.hand import address_of

    out: Output = context.obj
    out.command = "subscribers show"
    address = address_of(email)
    with store_of(publication_of(out)) as store, store.reading() as connection:
        found = listing.everything(connection, address.key)
    if found is None:
        raise UsageError(f"nothing is stored about {address.email}", "see: newsletter subscribers list")
    out.result(found, _shown(found))


def _shown(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{key:<16} {value}" for key, value in (found["subscriber"] or {}).items() if value not in (None, "", [], {})
    ]
    if found["suppressed"]:
        lines.append(f"{'suppressed':<16} {found['suppressed']['reason']} since {found['suppressed']['created_at']}")
    history = [(line["at"], f"{line['action']}: {line['source']}") for line in found["consent"]]
    history += [
        (line["planned_at"], f"issue {line['slug']}: {line['state']} {line['reason']}") for line in found["deliveries"]
    ]
    history += [(line["occurred_at"], f"{line['kind']} ({line['source']})") for line in found["events"]]
    history += [(line["at"], f"clicked in {line['slug']}: {line['link']}{_by(line)}") for line in found["clicks"]]
    history += [(line["at"], f"opened {line['slug']}{_by(line)}") for line in found["opens"]]
    return [*lines, *(f"{at[:19]:<20} {what}".rstrip() for at, what in sorted(history))]


def _by(look: dict[str, Any]) -> str:
    return f" (a machine: {look['machine']})" if look["machine"] else ""


@contextmanager
def _rejects_to(path: Path | None) -> Iterator[Callable[[Reject], None]]:
    """A function that writes rejected lines into a file, or nowhere."""
    if path is None:
        yield lambda _: None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "text", "reason"])
            yield lambda reject: writer.writerow([reject.line, reject.text, reject.reason])
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "choose another file") from None


@contextmanager
def _nothing_if_stopped(file: Path) -> Iterator[None]:
    """Say what Ctrl-C in the middle of an import means."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(
            f"interrupted: nothing of {file.name} was taken in", "the same command begins anew"
        ) from None


def _day_of_consent(date: str) -> datetime | None:
    if not date:
        return None
    agreed = datetime.combine(day_of(date), datetime.min.time(), UTC)
    if agreed > datetime.now(UTC):
        raise UsageError(f"--consent-date: {date} is in the future", "the day on which they agreed")
    return agreed


def _need_consent(file: Path, report: ImportReport, source: str, date: str) -> None:
    """Who is to be mailed has agreed somewhere and some day (GDPR article 7(1)): the list says so, or the caller."""
    if missing := _missing(report, source, date):
        words = {"where": '--consent-source "sign-up form"', "when": "--consent-date 2024-05-01"}
        hint = " ".join(words[word] for word in missing.split(" and "))
        raise UsageError(
            f"{file}:{report.unsaid}: the list does not say {missing} its readers agreed", f"state it: {hint}"
        )


def _missing(report: ImportReport, source: str, date: str) -> str:
    where = ["where"] if report.unsourced and not source.strip() else []
    return " and ".join(where + (["when"] if report.undated and not date else []))


def _left_out(file: Path, report: ImportReport) -> list[str]:
    lines = [f"{file}:{reject.line}: left out: {reject.reason}" for reject in report.rejects[:_SHOWN]]
    return lines + ([f"… and {report.rejected - _SHOWN} more lines left out"] if report.rejected > _SHOWN else [])


def _summary(report: ImportReport, dry_run: bool) -> str:
    left_out = f"{report.rejected} line{'s' if report.rejected != 1 else ''} left out"
    added = ", ".join(f"{count} {state}" for state, count in sorted(report.states.items())) or "nobody"
    return (
        f"{'would add' if dry_run else 'added'} {report.added} ({added}); {report.changed} changed, "
        f"{report.unchanged} unchanged, {report.kept_out} had left and stay out, {left_out}"
    )


def _table(columns: list[tuple[str, str]]) -> list[str]:
    if not columns:
        return []
    width = min(30, max(len(name) for name, _ in columns))
    return [f"{name[:30]:<{width}}  {role or '(left out)'}" for name, role in columns] + [""]


def _as_json(report: ImportReport, dry_run: bool, columns: list[tuple[str, str]]) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "added": report.added,
        "added_by_state": dict(report.states),
        "changed": report.changed,
        "unchanged": report.unchanged,
        "kept_out": report.kept_out,
        "rejected": [vars(reject) for reject in report.rejects],
        "rejected_count": report.rejected,
        "columns": dict(columns),
    }
