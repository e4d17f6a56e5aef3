"""Ctrl-C and SIGTERM at the moments that matter: the exit code, what is left behind, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from calling import CONSENT, TOML, Call
from test_streams import PROGRAM, ROOT

READERS = 600


@pytest.fixture
def slow(call: Call, publication: Path) -> Path:
    """A publication whose one issue takes seconds to be sent."""
    settings = "[delivery]\nbatch_size = 10\nrequests_per_second = 20\n"
    (publication / "newsletter.toml").write_text(TOML + settings)
    (publication / "l.csv").write_text("email\n" + "".join(f"r{number}@x.example\n" for number in range(READERS)))
    assert call("subscribers", "import", publication / "l.csv", *CONSENT).code == 0
    return publication


def start(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ROOT, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def pressed(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C, and again where nothing comes of it: one that arrives just before a read waits for its end."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=3)
    raise AssertionError("it does not end")


def lines_until(stream: Iterator[str] | None, words: str) -> list[str]:
    lines: list[str] = []
    for line in stream or ():
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} was never said: {lines}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 7)])
def test_a_broadcast_that_is_stopped_goes_on_where_it_was(
    call: Call, slow: Path, number: signal.Signals, code: int
) -> None:
    with start(slow, "send", "first", "--now", "--confirm", f"first:{READERS}", "--json") as process:
        lines_until(process.stdout, '"sent": 50')
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    last = json.loads(out.splitlines()[-1])
    assert (last["ok"], last["error"]["code"]) == (False, "partly_sent")
    assert "--resume" in last["error"]["hint"]
    assert "Traceback" not in err
    assert call("send", "first", "--resume").code == 0
    accepted = (slow / ".newsletter" / "simulator" / "accepted.ndjson").read_text(encoding="utf-8").splitlines()
    inboxes = Counter(json.loads(line)["to"]["email"] for line in accepted)
    assert (len(inboxes), max(inboxes.values())) == (READERS, 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_scheduler_that_waits_ends_at_once(publication: Path, number: signal.Signals, code: int) -> None:
    with start(publication, "scheduler", "run") as process:
        lines_until(process.stderr, "waiting for the slot")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err


def test_a_demo_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path, "demo", "--json", TMPDIR=str(tmp_path)) as process:
        lines_until(process.stdout, "simulator on")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "interrupted"
    assert [path.name for path in tmp_path.iterdir()] == []


def test_an_import_that_is_stopped_is_undone(call: Call, publication: Path) -> None:
    """The list comes through a pipe, so that the import is certainly in the middle of it."""
    assert call("status").code == 0
    pipe = publication / "l.csv"
    os.mkfifo(pipe)
    with start(publication, "subscribers", "import", "l.csv") as process, pipe.open("w", encoding="utf-8") as file:
        file.write("email\na@x.example\n")
        file.flush()
        out, err = pressed(process)
    said = "error: interrupted: nothing of l.csv was taken in\n  hint: the same command begins anew\n"
    assert (process.returncode, out) == (130, "")
    assert err in (said, "error: interrupted\n")  # the second one where it had not begun to read
    assert call("subscribers", "count", "--json").data["data"]["states"] == {}
