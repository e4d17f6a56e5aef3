"""A publication in a folder of its own, and the real command line to work on it with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsletter.samples.subscribers import write_csv
from newsletter.store.database import Store, open_store

ROOT = Path(__file__).parents[2]
KEY_NAME, KEY = "CRASH_API_KEY", "AS_crash"
PATIENCE = 600  # seconds; the longest that one command may take
_TOML = """
[publication]
name = "Crash test"
base_url = "https://crash.example"
sender = "Crash test <crash@crash.example>"
postal_address = "Crash test, 1 Wall Road, 10115 Berlin, Germany"

[schedule]
timezone = "Europe/Berlin"

[provider]
base_url = "{url}"
api_key = "{key_name}"
read_timeout = "1s"

[delivery]
batch_size = {batch_size}
requests_per_second = 500
concurrency = {concurrency}
backoff = "10ms"
backoff_limit = "100ms"
workers = {workers}

[storage]
database_url = "{database_url}"
"""
_ISSUE = """---
subject: Word {number}
preheader: A word on its way to everybody, whatever happens
status: ready
---

Hello {{{{ name | default("there") }}}},

this is word {number}, which each reader gets exactly once.
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative for a signal), the last line of `--json`, what it said."""

    code: int
    answer: dict[str, Any]
    said: str

    @property
    def data(self) -> dict[str, Any]:
        """What a command that went well gives."""
        assert self.answer.get("ok"), f"exit {self.code}: {self.answer} {self.said}"
        data: dict[str, Any] = self.answer["data"]
        return data


@dataclass(frozen=True)
class Place:
    """A publication's folder; `start` and `run` call `newsletter` on it with `--json`."""

    folder: Path
    database_url: str = ""

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The ledger, to look at."""
        opened = open_store(self.database_url, self.state)
        try:
            yield opened
        finally:
            opened.close()

    @property
    def state(self) -> Path:
        return self.folder / ".newsletter"

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command as a process of its own, whose answer is still to be read with `ended`."""
        line = [sys.executable, "-m", "newsletter", "-C", str(self.folder), "--json", *words]
        return subprocess.Popen(line, cwd=ROOT, env=_environment(), stdout=-1, stderr=-1, text=True)

    def run(self, *words: str) -> Ended:
        """The command from start to end."""
        return ended(self.start(*words))


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=PATIENCE)
    lines = out.splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else {}
    except ValueError:  # killed in the middle of a line
        answer = {}
    return Ended(process.returncode, answer, err)


def make_place(
    folder: Path,
    url: str,
    *,
    recipients: int,
    issues: int = 1,
    batch_size: int = 100,
    database_url: str = "",
    concurrency: int = 4,
    workers: bool = False,
) -> Place:
    """A publication with issues `word-1`, `word-2`…, whose provider is at `url`, and the sample readers as its list.

    A few percent of the readers have left, bounced or never confirmed, and one line has no address.
    """
    (folder / "issues").mkdir(parents=True)
    values = {"batch_size": batch_size, "database_url": database_url, "concurrency": concurrency}
    values["workers"] = str(workers).lower()
    toml = _TOML.format(url=url, key_name=KEY_NAME, **values)
    (folder / "newsletter.toml").write_text(toml, encoding="utf-8")
    for number in range(1, issues + 1):
        path = folder / "issues" / f"{number:03}-word-{number}.md"
        path.write_text(_ISSUE.format(number=number), encoding="utf-8")
    write_csv(folder / "readers.csv", recipients)
    place = Place(folder, database_url)
    place.run("subscribers", "import", str(folder / "readers.csv")).data  # noqa: B018 - raises where it went wrong
    return place


def slugs(count: int) -> Sequence[str]:
    """The issues of `make_place`."""
    return [f"word-{number}" for number in range(1, count + 1)]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEWSLETTER_", "AUTOSEND_"))}
    return kept | {KEY_NAME: KEY}
