"""A small publication on disk, and a preview of it as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONFIG = """\
[publication]
name = "Plain Letters"
base_url = "https://letters.example"
sender = "Plain Letters <hello@letters.example>"
reply_to = "editors@letters.example"
postal_address = "12 Sample Street, 10115 Berlin"

[schedule]
days = ["tue", "fri"]
at = "09:00"
timezone = "Europe/Berlin"

[preview]
test_addresses = ["Me <me@letters.example>", "you@letters.example"]
editor = "vscode"
"""
ISSUE = """\
---
subject: {title}
preheader: A line for the inbox that says what it is about.
---

Hello {{{{ name | default("there") }}}},

The first paragraph of {title}.

## A heading

The last paragraph, with a [link](https://example.org/page).
"""


def write_issue(folder: Path, name: str, title: str, text: str = "") -> Path:
    """A ready issue; `text` is put at its end."""
    file = folder / "issues" / name
    file.write_text(ISSUE.format(title=title) + text, encoding="utf-8")
    return file


def make_publication(folder: Path, titles: Sequence[str] = ("One", "Two", "Three")) -> Path:
    """A publication with an issue for each title: `001-one.md` and so on."""
    (folder / "issues").mkdir(parents=True)
    (folder / "newsletter.toml").write_text(CONFIG, encoding="utf-8")
    for number, title in enumerate(titles, start=1):
        write_issue(folder, f"{number:03}-{title.lower()}.md", title)
    return folder


@dataclass
class Running:
    """A preview that runs, and the process that it is."""

    url: str
    folder: Path
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    _listener: threading.Thread | None = None

    def listen(self) -> None:
        """Collect what it says: nobody may be stopped by a full pipe."""
        assert self.process.stderr
        self._listener = threading.Thread(target=self.said.extend, args=(self.process.stderr,), daemon=True)
        self._listener.start()

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it by a signal; its exit code. Fails where it does not end by itself."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        if self._listener:
            self._listener.join(30)
        assert self.process.stdout and self.process.stderr
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def start(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Running:
    """Start a preview; returns when it has said where it is and answers there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "-C", str(folder), "--json", "preview", "--no-open", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"AUTOSEND_API_KEY": ""} | (environment or {}),
    )
    assert process.stdout and process.stderr
    line = process.stdout.readline()
    assert line, process.stderr.read()
    started = Running(json.loads(line)["data"]["url"], folder, process)
    started.listen()
    return started


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    """A preview for as long as the `with` lasts."""
    preview = start(folder, "--port", "0", *options)
    try:
        yield preview
    finally:
        preview.stop(signal.SIGTERM)
