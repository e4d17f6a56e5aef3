"""Leaving: everything a publication holds, in plain files that other programs can read."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, Table, select

from newsletter.audience import listing
from newsletter.content.issue import Issue, Status
from newsletter.delivery.report import report_of
from newsletter.errors import ContentError, NewsletterError, UsageError
from newsletter.moving.redirects import read_redirects
from newsletter.pipeline.desk import Desk, open_desk
from newsletter.publication import Publication
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts, consents, editions, suppressions

_README = """\
All of "{name}", written {now:%Y-%m-%d %H:%M} UTC.

content/posts/      the issues: Markdown with front matter, as Hugo, Jekyll, Eleventy and most others read it;
                    their pictures beside them
html/               the web page of each issue, as readers saw it
subscribers.csv     everybody on the list: state, tags, consent, fields; subscribers.ndjson is the same as JSON lines
suppressions.csv    addresses that must not be mailed, and why: take them with you
consent.csv         when and where each reader agreed or left
broadcasts.csv      what was sent when, and what became of it
redirects.csv       old addresses and where they lead

Addresses of readers are personal data: keep these files as safe as the database they came from.
"""
_COUNTS = ("accepted", "delivered", "bounced", "complained", "rejected", "skipped", "unknown", "pending")


def move_out(publication: Publication, store: Store, target: Path, now: datetime) -> dict[str, int]:
    """Write all of it into `target`, which is made whole or not at all; (file or folder -> how many things).

    Raises UsageError where something is there already, NewsletterError where it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: there is something here already", "name a folder that is new or empty")
    draft = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        written = _write_all(publication, store, draft, now)
        if target.exists():
            target.rmdir()
        draft.rename(target)
        draft = None
        return written
    except OSError as error:
        where = error.filename or target
        raise NewsletterError(f"{where}: cannot be written: {error.strerror}", "choose another folder") from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _write_all(publication: Publication, store: Store, folder: Path, now: datetime) -> dict[str, int]:
    desk = open_desk(publication)
    with store.reading() as connection:
        sent = {row.slug: row for row in connection.execute(select(broadcasts))}
        pages = {slug: _page(connection, row.digest) for slug, row in sent.items()}
        written = {
            "content/posts": _posts(desk, folder / "content" / "posts", sent),
            "html": _pages(desk, folder / "html", pages),
            "subscribers.csv": _lists(connection, folder, now),
            "suppressions.csv": _table(connection, suppressions, folder / "suppressions.csv"),
            "consent.csv": _table(connection, consents, folder / "consent.csv"),
            "broadcasts.csv": _broadcasts(connection, folder / "broadcasts.csv", sent),
            "redirects.csv": _redirects(publication, folder / "redirects.csv"),
        }
    name = publication.config.publication.name
    (folder / "README.txt").write_text(_README.format(name=name, now=now), encoding="utf-8")
    return written


def _posts(desk: Desk, folder: Path, sent: Mapping[str, Any]) -> int:
    """The issues with front matter that everybody reads, and all that lies beside them."""
    folder.mkdir(parents=True)
    for path in sorted(desk.publication.issues.rglob("*")):
        inner = path.relative_to(desk.publication.issues)
        hidden = any(part.startswith(".") for part in inner.parts)
        if path.is_file() and not path.is_symlink() and not hidden and path.suffix.lower() not in (".md", ".markdown"):
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / inner)
    zone = desk.publication.config.schedule.zone
    for issue in desk.folder.issues:
        row = sent.get(issue.slug)
        moment = row.started_at.astimezone(zone).isoformat(timespec="seconds") if row and row.started_at else ""
        text = "\n".join(["---", *_front(issue, moment), "---", "", issue.body.strip("\n"), ""])
        (folder / f"{issue.slug}.md").write_text(text, encoding="utf-8")
    for error in desk.folder.broken:  # as it is: leaving must not lose it
        path = Path(error.path)
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    return len(desk.folder.issues) + len(desk.folder.broken)


def _front(issue: Issue, moment: str) -> Iterator[str]:
    yield f"title: {json.dumps(issue.title or issue.subject, ensure_ascii=False)}"
    if issue.subject != issue.title:
        yield f"subject: {json.dumps(issue.subject, ensure_ascii=False)}"
    texts = {"subtitle": issue.subtitle, "description": issue.preheader, "author": issue.author}
    yield from (f"{key}: {json.dumps(text, ensure_ascii=False)}" for key, text in texts.items() if text)
    if moment or issue.date:
        yield f"date: {moment or issue.date}"
    yield f"slug: {issue.slug}"
    if issue.tags:
        yield f"tags: {json.dumps(list(issue.tags), ensure_ascii=False)}"
    if issue.language:
        yield f"lang: {issue.language}"
    yield f"draft: {'false' if moment or issue.status is Status.READY else 'true'}"


def _pages(desk: Desk, folder: Path, pages: Mapping[str, str]) -> int:
    """Web pages: the stored one of what was sent, a fresh one of the others."""
    folder.mkdir()
    known = dict(pages)
    for issue in desk.folder.issues:
        if issue.slug not in known:
            try:
                known[issue.slug] = desk.render(issue).web
            except ContentError:
                continue  # its Markdown is there; what is wrong with it, `check` says
    for slug, page in known.items():
        (folder / f"{slug}.html").write_text(page, encoding="utf-8")
    return len(known)


def _page(connection: Connection, digest: str) -> str:
    content = connection.execute(select(editions.c.content).where(editions.c.digest == digest)).scalar_one()
    return str(json.loads(content)["web"])


def _lists(connection: Connection, folder: Path, now: datetime) -> int:
    for form in ("csv", "ndjson"):
        with _new(folder / f"subscribers.{form}") as file:
            count = listing.write(file, listing.rows(connection, "", now), form)
    return count


def _table(connection: Connection, table: Table, path: Path) -> int:
    rows = connection.execution_options(yield_per=1000).execute(select(table)).mappings()
    return _csv(path, [column.name for column in table.columns], (list(row.values()) for row in rows))


def _broadcasts(connection: Connection, path: Path, sent: Mapping[str, Any]) -> int:
    def rows() -> Iterator[list[object]]:
        for row in sent.values():
            report = report_of(connection, row.id)
            yield [row.slug, row.state, row.provider, row.segment, row.started_at, row.finished_at,
                   *(report.deliveries.get(state, 0) for state in _COUNTS)]  # fmt: skip

    return _csv(path, ["slug", "state", "provider", "segment", "started_at", "finished_at", *_COUNTS], rows())


def _redirects(publication: Publication, path: Path) -> int:
    known, base = read_redirects(publication.folder), publication.config.publication.base_url
    return _csv(path, ["from", "to"], ([old, f"{base}/{slug}/"] for old, slug in known.items()))


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    with _new(path) as file:
        writer = csv.writer(file)
        writer.writerow(header)
        count = 0
        for row in rows:
            writer.writerow([_cell(value) for value in row])
            count += 1
    return count


def _cell(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else value


def _new(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")
