"""The machine that the publication lives on: disk, clock, zones, fonts, rights."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.config.masking import secret_names
from newsletter.config.secrets import file_of
from newsletter.pipeline.doctor.probe import Answer, Patient, Probe, State, probe

_LOW, _FULL = 1_000_000_000, 100_000_000  # bytes
_APART, _WRONG = timedelta(seconds=2), timedelta(seconds=60)
_OLD_ZONES = 2  # years after which a zone's rules are likely to have changed somewhere
_MONOSPACE = (
    "DejaVuSansMono.ttf",
    "LiberationMono-Regular.ttf",
    "NotoSansMono-Regular.ttf",
    "Menlo.ttc",
    "consola.ttf",
)


@probe("disk")
def disk(patient: Patient) -> Iterator[Answer]:
    """Room where the ledger is written."""
    folder = next(place for place in (patient.publication.state, patient.publication.folder) if place.exists())
    free = shutil.disk_usage(folder).free
    words = f"{free / 1e9:.1f} GB free at {folder}"
    if free < _LOW:
        yield (State.FAIL if free < _FULL else State.WARN), words, "make room: a full disk stops the sending"
    else:
        yield State.OK, words


@probe("clock")
def clock(patient: Patient) -> Iterator[Answer]:
    """Slots open by the clock; PostgreSQL's, or the `Date` of the provider's answers (RFC 9110 section 6.6.1)."""
    there, whose = _other_clock(patient)
    if there is None:
        yield State.UNKNOWN, whose
        return
    apart = abs(there - datetime.now(UTC))
    words = f"{apart.total_seconds():.0f} s apart from {whose}"
    if apart > _WRONG:
        yield State.FAIL, words, "let the machine keep time: timedatectl set-ntp true"
    else:
        yield (State.WARN if apart > _APART else State.OK), words


def _other_clock(patient: Patient) -> tuple[datetime | None, str]:
    if patient.store is not None and patient.store.engine.dialect.name == "postgresql":
        from sqlalchemy import func, select

        with patient.store.reading() as connection:
            moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            return moment, "the database"
    if patient.offline:
        return None, "--offline"
    if patient.publication.config.provider.name != "autosend":
        return None, "there is no other clock to hold it against"
    import requests

    url = patient.publication.config.provider.base_url
    try:
        answer = requests.head(url, timeout=5, allow_redirects=False)
        return parsedate_to_datetime(answer.headers["Date"]).replace(tzinfo=UTC), "the provider"
    except (requests.RequestException, KeyError, ValueError, TypeError):
        return None, "the provider does not tell its time"


@probe("zones")
def zones(patient: Patient) -> Iterator[Answer]:
    """A government that moves its clocks moves our slots: the rules should be of these years."""
    name = patient.publication.config.schedule.timezone
    try:
        ZoneInfo(name)
    except ZoneInfoNotFoundError:
        yield State.FAIL, f"there are no rules for {name}", "pip install --upgrade tzdata"
        return
    try:
        version = importlib.metadata.version("tzdata")
    except importlib.metadata.PackageNotFoundError:
        yield State.OK, f"{name}, by the system's rules"
        return
    year = version.partition(".")[0]
    if year.isdigit() and patient.now.year - int(year) >= _OLD_ZONES:
        yield State.WARN, f"the rules of {name} are of {version}", "pip install --upgrade tzdata"
    else:
        yield State.OK, f"{name}, rules of {version}"


@probe("fonts")
def fonts(patient: Patient) -> Iterator[Answer]:  # noqa: ARG001 - the machine's
    """Pictures of diagrams need Pillow and a font whose signs are all as wide."""
    try:
        from PIL import ImageFont
    except ModuleNotFoundError:
        yield State.UNKNOWN, "Pillow is not installed; only pictures need it", "pip install 'newsletter[images]'"
        return
    for name in _MONOSPACE:
        try:
            ImageFont.truetype(name, 12)
        except OSError:
            continue
        yield State.OK, name
        return
    yield State.WARN, "no font of one width was found", "install one, such as fonts-dejavu-core"


@probe("rights")
def rights(patient: Patient) -> Iterator[Answer]:
    """Addresses and keys are for nobody else on the machine."""
    if os.name != "posix":
        yield State.UNKNOWN, "this system has rights of another kind"
        return
    state, found = patient.publication.state, False
    if state.is_dir() and _mode(state) & 0o077:
        found = True
        yield State.WARN, f"{state} can be entered by others: {_mode(state):o}", f"chmod 700 {state}"
    for file in _secret_files(patient):
        if _mode(file) & 0o077:
            found = True
            yield State.FAIL, f"{file} can be read by others: {_mode(file):o}", f"chmod 600 {file}"
    if not found:
        yield State.OK, "nobody else can read secrets and addresses"


def _secret_files(patient: Patient) -> Iterator[Path]:
    env = patient.environment
    if (key := patient.publication.state / "token.key").is_file():
        yield key
    for name in secret_names(patient.publication.config):
        file = file_of(name, env)
        # What systemd puts into the credentials directory has rights of its own (systemd.exec(5)).
        if file is not None and file.is_file() and str(file) == env.get(f"{name}_FILE"):
            yield file


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


PROBES: tuple[Probe, ...] = (disk, clock, zones, fonts, rights)
