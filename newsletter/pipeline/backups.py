"""Backups of a publication: taken by hand or nightly by the scheduler, the newest ones kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from newsletter.errors import NewsletterError
from newsletter.pipeline.notices import Notice
from newsletter.publication import Publication
from newsletter.schedule.slots import instant_of
from newsletter.store.copying import save
from newsletter.store.database import Store
from newsletter.store.migrate import HEAD

KEY_FILE = "token.key"  # without it the links in all mails of the past are dead
_NAME = re.compile(r"newsletter-(\d{8}T\d{6})Z(-\d+)?\.db")
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Backup:
    """One file of a backup; `taken_at` is what its name says."""

    file: Path
    taken_at: datetime
    size: int
    digest: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        facts = {"file": str(self.file), "taken_at": self.taken_at.isoformat(), "bytes": self.size}
        return facts | ({"sha256": self.digest} if self.digest else {})


def folder_of(publication: Publication) -> Path:
    """Where backups lie, unless a command says another place."""
    return publication.folder / (publication.config.backup.folder or publication.state / "backups")


def back_up(publication: Publication, store: Store, now: datetime, target: Path | None = None) -> Backup:
    """Take a backup, into `target` or under a name of its own in the folder for them.

    The key that signs links is in it; the secrets that the machine keeps are not. Raises NewsletterError where it
    cannot be written.
    """
    file = target or _free_name(folder_of(publication), now)
    key = publication.state / KEY_FILE
    try:
        files = {KEY_FILE: key.read_bytes()} if key.is_file() else {}
    except OSError as error:
        raise NewsletterError(f"{key}: cannot be read: {error.strerror}", "check its rights") from None
    about = publication.config.publication
    facts = {"name": about.name, "base_url": about.base_url, "schema": HEAD}
    digest = save(store, file, facts, files, now)
    return Backup(file, now, file.stat().st_size, digest)


def backups_in(folder: Path) -> list[Backup]:
    """The backups of a folder that are named as ours are, the newest first."""
    found = []
    for file in folder.glob("newsletter-*.db"):
        if match := _NAME.fullmatch(file.name):
            with contextlib.suppress(OSError, ValueError):  # gone just now, or no time
                moment = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
                found.append(Backup(file, moment, file.stat().st_size))
    return sorted(found, key=lambda backup: (backup.taken_at, backup.file.name), reverse=True)


def nightly(publication: Publication, store: Store, now: datetime) -> Notice | None:
    """Take the backup that `[backup]` asks for, if its time has come, and delete those that are too many.

    A notice where that went wrong, else None.
    """
    config, folder = publication.config.backup, folder_of(publication)
    if not config.keep:
        return None
    due = last_time(publication, now)
    known = backups_in(folder)
    if known and known[0].taken_at >= due:
        return None
    try:
        back_up(publication, store, now)
        _thin_out(backups_in(folder), config.keep)
    except NewsletterError as error:
        text = f"{error.message}\n{error.hint}".strip()
        return Notice(f"backup:{due:%Y-%m-%dT%H:%M}", "the nightly backup could not be taken", text)
    return None


def last_time(publication: Publication, now: datetime) -> datetime:
    """The last moment up to `now` at which a nightly backup was due."""
    config, schedule = publication.config.backup, publication.config.schedule
    day = now.astimezone(schedule.zone).date()
    moments = (
        instant_of(datetime.combine(day - timedelta(days=back), config.at), schedule.timezone) for back in (0, 1)
    )
    return next(moment for moment in moments if moment <= now)


def _thin_out(known: Sequence[Backup], keep: int) -> None:
    """Delete all but the newest; raises NewsletterError where one cannot be deleted."""
    for backup in known[keep:]:
        try:
            backup.file.unlink(missing_ok=True)
            backup.file.with_name(f"{backup.file.name}.sha256").unlink(missing_ok=True)
        except OSError as error:
            raise NewsletterError(f"{backup.file}: cannot be deleted: {error.strerror}", "check its rights") from None


def _free_name(folder: Path, now: datetime) -> Path:
    stem = f"newsletter-{now.astimezone(UTC).strftime(_STAMP)}Z"
    names = (f"{stem}{f'-{number}' if number else ''}.db" for number in range(1000))
    return next(path for name in names if not (path := folder / name).exists())
