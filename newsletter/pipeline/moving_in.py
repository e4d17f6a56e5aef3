"""Moving in: the posts of another program become issues, those that readers have become part of the archive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select

from newsletter.check.live.guard import Guard, NotReachedError
from newsletter.content.reader import read_folder
from newsletter.delivery.planning import record_elsewhere
from newsletter.errors import ContentError, NewsletterError, UsageError
from newsletter.moving.planning import Arrival, Plan, plan, with_fetched
from newsletter.moving.post import Source
from newsletter.moving.redirects import add_redirects
from newsletter.pipeline.desk import open_desk
from newsletter.publication import Publication
from newsletter.schedule.queue import keep_edition
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts

_LARGEST = 10_000_000  # bytes of a picture that is fetched
_KINDS = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
_HINT = "check its rights, and the room on the disk"


@dataclass(frozen=True)
class MovedIn:
    """What became of a source: the plan as it was carried out, and which issues are in the archive now."""

    program: str
    plan: Plan
    archived: tuple[str, ...]
    pictures: int
    trouble: tuple[str, ...] = ()


def plan_move(publication: Publication, source: Source, home: str) -> Plan:
    """What moving in would do. Raises UsageError where the source has no post that could come."""
    folder = read_folder(publication.issues) if publication.issues.is_dir() else None
    issues = folder.issues if folder else ()
    number = max((issue.number or 0 for issue in issues), default=0)
    planned = plan(source, {issue.slug for issue in issues}, number, publication.config.schedule.zone, home)
    if not planned.arrivals and not planned.skipped:
        raise UsageError(f"{source.tree.path}: it holds no posts", "is it the right folder of the export?")
    return planned


def fetch_pictures(
    publication: Publication,
    planned: Plan,
    tell: Callable[[int, int], object],
    guard: Guard | None = None,
) -> tuple[Plan, dict[str, bytes], tuple[str, ...]]:
    """The plan with the pictures of the web at home: (plan, name below `issues/` -> bytes, what could not be had).

    Only the public web is asked, and the hosts in `[links] allow`.
    """
    guard = guard or Guard(frozenset(map(str.lower, publication.config.links.allow)))
    wanted = [(arrival.slug, url) for arrival in planned.arrivals for url in arrival.remote]
    bodies: dict[str, bytes] = {}
    names: dict[str, dict[str, str]] = {}
    trouble = []
    with guard.session() as session:
        for number, (slug, url) in enumerate(wanted, start=1):
            tell(number, len(wanted))
            try:
                data, suffix = _picture_at(session, url)
            except (OSError, NotReachedError, ValueError) as error:
                trouble.append(f"{url}: {error}")
                continue
            name = f"images/{slug}/{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
            bodies[name] = data
            names.setdefault(slug, {})[url] = name
    arrivals = tuple(with_fetched(arrival, names.get(arrival.slug, {})) for arrival in planned.arrivals)
    return replace(planned, arrivals=arrivals), bodies, tuple(trouble)


def move_in(
    publication: Publication,
    store: Store,
    source: Source,
    planned: Plan,
    fetched: Mapping[str, bytes] | None = None,
    *,
    archive: bool = True,
) -> MovedIn:
    """Write the issues, their pictures and the redirects; put those that readers have into the archive.

    All or nothing: what was written is taken away again where a file or the database cannot be written. Raises
    NewsletterError then.
    """
    made: list[Path] = []
    try:
        pictures = _write(publication, source, planned.arrivals, fetched or {}, made)
        add_redirects(publication.folder, planned.redirects)
        archived, trouble = _archive(publication, store, planned.arrivals) if archive else ((), ())
    except BaseException as error:
        for path in reversed(made):
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            where = error.filename or publication.issues
            raise NewsletterError(f"{where}: cannot be written: {error.strerror}", _HINT) from None
        raise
    return MovedIn(source.program, planned, archived, pictures, trouble)


def _write(
    publication: Publication,
    source: Source,
    arrivals: Sequence[Arrival],
    fetched: Mapping[str, bytes],
    made: list[Path],
) -> int:
    """Write issues and pictures, the pictures first, noting each new file in `made`; how many pictures."""
    count = 0
    for name, data in fetched.items():
        count += _write_new(publication.issues / name, data, made)
    for arrival in arrivals:
        for name, origin in arrival.pictures.items():
            count += _write_new(publication.issues / name, source.tree.read(origin), made)
        _write_new(publication.issues / arrival.file, arrival.text.encode(), made)
    return count


def _write_new(path: Path, data: bytes, made: list[Path]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():  # a picture of the same name: from the first half of a move that was cut off
        if path.suffix == ".md":
            raise UsageError(f"{path}: this file exists already", "move it away, or give it another name")
        if path.read_bytes() == data:
            return 0
    made.append(path)
    path.write_bytes(data)
    return 1


def _archive(
    publication: Publication, store: Store, arrivals: Sequence[Arrival]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keep the editions of what readers have as sent elsewhere; (their slugs, what cannot be rendered and why)."""
    desk, zone = open_desk(publication), publication.config.schedule.zone
    with store.reading() as connection:
        known = set(connection.execute(select(broadcasts.c.slug)).scalars())
    editions: list[tuple[dict[str, Any], datetime]] = []
    trouble = []
    for arrival in arrivals:
        moment = arrival.post.published
        if not arrival.post.sent or moment is None or arrival.slug in known:
            continue
        try:
            edition = desk.render(desk.find(arrival.slug))
        except ContentError as error:
            trouble.append(f"{error.message}: {error.hint}")
            continue
        sent_at = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        editions.append((edition.as_json(), sent_at.astimezone(UTC)))
    with store.transaction() as connection:
        for content, sent_at in editions:
            keep_edition(connection, content, sent_at)
            record_elsewhere(connection, slug=content["slug"], digest=content["digest"], sent_at=sent_at)
    return tuple(content["slug"] for content, _ in editions), tuple(trouble)


def _picture_at(session: Any, url: str) -> tuple[bytes, str]:
    """The bytes of a picture on the web and its suffix; raises OSError or ValueError where it is none."""
    with session.get(f"https:{url}" if url.startswith("//") else url, timeout=(10, 30), stream=True) as response:
        if response.status_code != 200:
            raise ValueError(f"the server answered {response.status_code}")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in _KINDS:
            raise ValueError(f"it is {kind or 'nothing that is known'}, no picture that mails can show")
        data = b""
        for chunk in response.iter_content(65_536):
            data += chunk
            if len(data) > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST // 1_000_000} MB")
        return data, _KINDS[kind]


def notes_of(moved: Plan) -> list[tuple[str, str]]:
    """(file, note) of everything that could not be kept."""
    found = [(arrival.file, note) for arrival in moved.arrivals for note in arrival.notes]
    for arrival in moved.arrivals:
        hosts = sorted({PurePosixPath(url.partition("//")[2]).parts[0] for url in arrival.remote if "//" in url})
        if hosts:
            many = "1 picture stays" if len(arrival.remote) == 1 else f"{len(arrival.remote)} pictures stay"
            found.append((arrival.file, f"{many} at {', '.join(hosts)}: --fetch-images"))
    return found
