"""The publication itself: configuration, key, provider, database, theme, scheduler, backups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select, text

from newsletter.audience.tokens import KEY_NAME
from newsletter.config import revealed
from newsletter.delivery import switch
from newsletter.delivery.protocol import Probing
from newsletter.errors import NewsletterError
from newsletter.pipeline.backups import backups_in, folder_of, last_time
from newsletter.pipeline.doctor.probe import Answer, Patient, Probe, State, probe
from newsletter.schedule.lease import LEASE
from newsletter.store.migrate import HEAD
from newsletter.store.tables import batches, broadcasts, heartbeats, queue

_OLD_BACKUP = timedelta(days=7)
_LEEWAY = timedelta(hours=2)  # a long broadcast keeps the scheduler from its backup


@probe("configuration")
def configuration(patient: Patient) -> Iterator[Answer]:
    """It was read, else nobody would be here."""
    yield State.OK, f"{patient.publication.folder / 'newsletter.toml'}"


@probe("key")
def key(patient: Patient) -> Iterator[Answer]:
    """Secrets by their names; the values are shown to nobody."""
    config = patient.publication.config
    name = config.provider.api_key
    if config.provider.name == "outbox":
        yield State.OK, "the outbox needs none"
    elif config.provider.name == "smtp" and not config.provider.smtp_user:
        yield State.OK, "the mail server asks for none"
    elif revealed(name):
        yield State.OK, f"{name} is set"
    elif config.provider.name == "smtp":
        yield (
            State.FAIL,
            f"{name} is not set: the password of {config.provider.smtp_user}",
            f"set {name} or {name}_FILE",
        )
    else:
        yield State.WARN, f"{name} is not set: a simulator takes the mails", f"set {name} or {name}_FILE"
    signing = patient.publication.state / "token.key"
    if not revealed(KEY_NAME) and not signing.is_file():
        yield State.OK, "the key that signs links is made with the first broadcast"


@probe("provider")
def provider(patient: Patient) -> Iterator[Answer]:
    """Whether it answers and takes the key, asked with a call that sends nothing."""
    if "provider" in patient.broken:
        yield State.FAIL, *patient.broken["provider"]
    elif patient.offline:
        yield State.UNKNOWN, "--offline"
    elif patient.provider is None or not getattr(patient.provider, "can_be_asked", True):
        yield State.UNKNOWN, f"{patient.publication.config.provider.name} cannot be asked without sending"
    elif isinstance(patient.provider, Probing) and (trouble := patient.provider.probe()):
        yield State.FAIL, trouble, "see docs/delivery.md"
    else:
        yield State.OK, f"{patient.provider.name} answers and takes the key"


@probe("database")
def database(patient: Patient) -> Iterator[Answer]:
    """It opens, its pages are whole, it can be written, and SQLite writes ahead (WAL)."""
    if patient.store is None:
        yield State.FAIL, *patient.broken.get("database", ("it could not be opened", ""))
        return
    sqlite = patient.store.engine.dialect.name == "sqlite"
    if sqlite:
        with patient.store.reading() as connection:
            found = str(connection.execute(text("PRAGMA quick_check(1)")).scalar_one())
            mode = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
        if found != "ok":
            yield State.FAIL, f"its pages are damaged: {found.splitlines()[0]}", "newsletter db restore FILE"
            return
        if mode != "wal":
            yield State.WARN, f"its journal is {mode}, not WAL: readers and writers wait for each other", "a local disk"
    try:
        with patient.store.transaction() as connection:
            connection.execute(text("SELECT 1"))
    except NewsletterError as error:
        yield State.FAIL, error.message, error.hint
        return
    yield State.OK, "SQLite, whole and writable" if sqlite else "PostgreSQL answers"


@probe("schema")
def schema(patient: Patient) -> Iterator[Answer]:
    """Opening the database brings it here, so that anything else is a newer program's."""
    if patient.store is None:
        yield State.UNKNOWN, "the database is not open"
    else:
        yield State.OK, HEAD


@probe("theme")
def theme(patient: Patient) -> Iterator[Answer]:
    """A made-up issue comes through the theme."""
    from pathlib import Path

    from newsletter.content.reader import parse_issue
    from newsletter.pipeline.desk import open_desk

    desk = open_desk(patient.publication)
    source = b"---\nsubject: A word\npreheader: of it\n---\n\nHello {{ name }}.\n"
    edition = desk.render(parse_issue(Path("issues/doctor.md"), source))
    yield State.OK, f"{patient.publication.config.theme.name}: {len(edition.html) / 1024:.0f} KB for an empty mail"
    for error in desk.folder.broken:
        yield State.WARN, error.message, error.hint


@probe("scheduler")
def scheduler(patient: Patient) -> Iterator[Answer]:
    """A sign of life in the last minutes; a cron job leaves none between its passes."""
    if patient.store is None:
        yield State.UNKNOWN, "the database is not open"
        return
    with patient.store.reading() as connection:
        seen = connection.execute(select(func.max(heartbeats.c.seen_at))).scalar()
        waiting = connection.execute(select(func.count()).select_from(queue)).scalar_one()
        halted = switch.stopped(connection)
    if halted:
        yield State.WARN, f"sending is stopped{': ' + halted.reason if halted.reason else ''}", "newsletter resume"
    if seen is not None and patient.now - seen <= LEASE:
        yield State.OK, f"last seen {int((patient.now - seen).total_seconds())} s ago"
    else:
        when = f"last seen {seen:%Y-%m-%d %H:%M} UTC" if seen else "no scheduler was seen"
        state = State.WARN if waiting else State.UNKNOWN
        yield state, f"{when}; {waiting} wait in the queue", "newsletter scheduler run, or scheduler once from cron"


@probe("broadcasts")
def sending(patient: Patient) -> Iterator[Answer]:
    """What waits for a person."""
    if patient.store is None:
        yield State.UNKNOWN, "the database is not open"
        return
    query = select(broadcasts.c.slug, broadcasts.c.reason).where(broadcasts.c.state == "paused")
    doubt = select(func.count()).select_from(batches).where(batches.c.state == "unknown")
    with patient.store.reading() as connection:
        paused = connection.execute(query.order_by(broadcasts.c.id)).all()
        unknown = connection.execute(doubt).scalar_one()
    for row in paused:
        yield State.WARN, f'"{row.slug}" is paused: {row.reason}', f"newsletter send {row.slug} --resume"
    if not paused:
        yield State.OK, f"none waits for a person{f'; {unknown} batches in doubt' if unknown else ''}"


@probe("backup")
def backup(patient: Patient) -> Iterator[Answer]:
    """The newest one, where they should be."""
    folder, config = folder_of(patient.publication), patient.publication.config.backup
    found = backups_in(folder)
    due = last_time(patient.publication, patient.now - _LEEWAY) if config.keep else patient.now - _OLD_BACKUP
    if found and found[0].taken_at >= due:
        age = patient.now - found[0].taken_at
        yield State.OK, f"{age.days} d {age.seconds // 3600} h old: {found[0].file}"
        return
    words = f"the newest is of {found[0].taken_at:%Y-%m-%d}" if found else f"none in {folder}"
    yield State.WARN, words, "newsletter db backup" if config.keep else "set [backup] keep, or: newsletter db backup"


PROBES: tuple[Probe, ...] = (
    configuration,
    key,
    provider,
    database,
    schema,
    theme,
    scheduler,
    sending,
    backup,
)
