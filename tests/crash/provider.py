"""The simulator as a process of its own, which outlives every sender that is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from .place import KEY, ROOT


@dataclass(frozen=True)
class Provider:
    """A running simulator: its API's address and the folder of its record."""

    url: str
    data: Path

    def accepted(self) -> int:
        """How many mails it took so far."""
        connection = HTTPConnection(str(urlsplit(self.url).netloc), timeout=30)
        try:
            connection.request("GET", "/v1/simulator")
            return int(json.loads(connection.getresponse().read())["accepted"])
        finally:
            connection.close()

    def inboxes(self, subject: str = "") -> Counter[str]:
        """How many mails each address got, by the provider's own record; of one subject only, if one is given."""
        found: Counter[str] = Counter()
        with (self.data / "accepted.ndjson").open(encoding="utf-8") as file:
            for line in file:
                mail = json.loads(line)
                if subject in ("", mail["subject"]):
                    found[mail["to"]["email"]] += 1
        return found


@contextmanager
def running_provider(data: Path, *, faults: str = "", idempotency: bool = True) -> Iterator[Provider]:
    """A simulator on a free port, stopped at the end. `idempotency` False takes a repeat under the same key again."""
    line = [sys.executable, "-m", "newsletter", "simulator", "--json", "--port", "0", "--rate", "0"]
    line += ["--data", str(data), "--api-key", KEY, "--faults", faults, "--bodies", "template"]
    line += [] if idempotency else ["--no-idempotency"]
    with subprocess.Popen(line, cwd=ROOT, stdout=-1, text=True) as process:
        assert process.stdout is not None
        try:
            yield Provider(json.loads(process.stdout.readline())["data"]["url"], data)
        finally:
            process.terminate()
