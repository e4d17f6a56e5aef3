"""Beginnings: a new publication, a new issue. Nothing that exists is ever overwritten."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from newsletter.content.reader import read_folder
from newsletter.content.slugs import slugify
from newsletter.errors import NewsletterError, UsageError
from newsletter.publication import Publication
from newsletter.render.theme import read_theme
from newsletter.samples.starter import starter_files
from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import approved
from newsletter.schedule.slots import Slot, slots_from
from newsletter.store.database import Store

_HINT = "check its rights, and the room on the disk"


def start_publication(folder: Path) -> list[str]:
    """Write a fresh publication into `folder` and return the names of its files.

    Raises UsageError where the folder holds anything already, NewsletterError where it cannot be written.
    """
    made: list[Path] = []
    files: Mapping[str, str] = {}
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder}: there is something here already", "name a folder that is new or empty")
        name = folder.resolve().name.replace("-", " ").replace("_", " ").title() or "My newsletter"
        files = starter_files(name)
        for relative, text in files.items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_new(path, text)
            made.append(path)
    except OSError as error:
        for path in made:  # half a publication would be in the way of the next try
            path.unlink(missing_ok=True)
        for path in (folder / relative for relative in files):
            with contextlib.suppress(OSError):  # not there, or not empty
                path.parent.rmdir()
        raise NewsletterError(f"{folder}: cannot be written: {error.strerror}", _HINT) from None
    return list(files)


def start_issue(publication: Publication, store: Store, title: str, now: datetime) -> tuple[Path, Slot]:
    """Write a draft called `title`, dated to the next slot that no approved or dated issue is meant for.

    Raises UsageError for a title without words or a name that is taken, NewsletterError where it cannot be written.
    """
    title = " ".join(title.encode("utf-8", "replace").decode().split())  # an argument may hold bytes of no encoding
    if not any(char.isalnum() for char in title):
        raise UsageError(f'the title "{title}" has no words', 'for example: newsletter new "What is a token?"')
    folder = read_folder(publication.issues) if publication.issues.is_dir() else None
    issues = folder.issues if folder else ()
    number = max((issue.number or 0 for issue in issues), default=0) + 1
    slug = slugify(title)
    if any(issue.slug == slug for issue in issues):
        raise UsageError(f'there is an issue "{slug}" already', "choose another title")
    with store.reading() as connection:
        first = upcoming(connection, publication.config.schedule, now).starts_at
        waiting = len([issue for issue in approved(connection) if not issue.held])
    days = {moment.isoformat()[:10] for issue in issues if (moment := issue.slot or issue.date)}
    free = (slot for slot in slots_from(publication.config.schedule, first) if f"{slot.wall:%Y-%m-%d}" not in days)
    undated = max(0, waiting - sum(1 for day in days if day >= now.date().isoformat()))
    slot = [next(free) for _ in range(undated + 1)][-1]
    path = publication.issues / f"{number:03d}-{slug}.md"
    if path.exists():
        raise UsageError(f"{path}: this file exists already", "choose another title")
    try:
        publication.issues.mkdir(exist_ok=True)
        _write_new(path, _draft(title, number, slot))
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", _HINT) from None
    return path, slot


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all. Raises OSError."""
    with path.open("xb", buffering=0) as file:
        try:
            written = file.write(text.encode())
            if written != len(text.encode()):  # a full disk takes what it has room for
                file.write(text.encode()[written:])
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def start_theme(publication: Publication, name: str, source: str) -> tuple[Path, list[str]]:
    """Copy the theme `source` into the publication's `templates/NAME`; the folder and the names of its files.

    The words stay behind: a theme has only those that it says otherwise. Raises UsageError for a name that cannot be
    one or is taken, ConfigError where there is no such theme, NewsletterError where the folder cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise UsageError(f'"{name}" is no name for a theme', "letters, digits, - and _: newsletter new-theme my-letter")
    folder = publication.folder / "templates" / name
    if folder.exists():
        raise UsageError(f"{folder}: there is something here already", "choose another name")
    theme = read_theme(publication.themes, source)
    made = []
    try:
        folder.mkdir(parents=True)
        for path in sorted(theme.folder.iterdir()):
            if path.is_file() and path.suffix in (".html", ".css", ".txt", ".toml"):
                shutil.copyfile(path, folder / path.name)
                made.append(path.name)
    except OSError as error:
        raise NewsletterError(f"{folder}: cannot be written: {error.strerror}", "check the folder's rights") from None
    return folder, made


def _draft(title: str, number: int, slot: Slot) -> str:
    quoted = "'" + title.replace("'", "''") + "'"
    lines = [
        "---",
        f"subject: {quoted}",
        "preheader: ''",
        "author: ''",
        f"number: {number}",
        f"date: {slot.wall:%Y-%m-%d}",
        "status: draft",
        "tags: []",
        "---",
        "",
        'Hello {{ name | default("there") }},',
        "",
        "",
    ]
    return "\n".join(lines)
