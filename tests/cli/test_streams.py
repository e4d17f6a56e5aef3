"""What becomes of the words when nobody can take them. In processes of their own: the streams are the process's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "import sys; from newsletter.cli.main import main; sys.exit(main())"]
ROOT = str(Path(__file__).resolve().parents[2])


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of sh in which `$N` is the program."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ROOT, "PYTHON": sys.executable, **variables}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # on a full disk Python leaves halves of it behind
    program = f"$PYTHON -c '{PROGRAM[2]}'"
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$N", program)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", ["status", "config show", "status --json", "--help"])
def test_a_full_disk_behind_stdout_is_one_line(publication: Path, command: str) -> None:
    done = shell(f"$N {command} > /dev/full", publication)
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_reader_that_goes_away_is_no_failure(publication: Path) -> None:
    done = shell("{ $N config show; echo $? >&2; } | head -1", publication)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "0\n"


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("$N status >&-", 0, "", ""),
        ("$N bogus 2>&-", 2, "", ""),
        ("$N status <&- >&- 2>&-", 0, "", ""),
        ("$N status >/dev/full 2>/dev/full", 1, "", ""),
    ],
)
def test_closed_streams_hurt_nothing(publication: Path, line: str, code: int, out: str, err: str) -> None:
    done = shell(line, publication)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)
    assert shell("$N status", publication).returncode == 0


def test_a_terminal_without_the_letters_gets_their_numbers(publication: Path) -> None:
    (publication / "issues" / "002-ü.md").write_text("# Straße\n", encoding="utf-8")
    done = shell("$N check", publication, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert "issues/002-\\xfc.md" in done.stdout
    machine = shell("$N check --json", publication, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert json.loads(machine.stdout)["command"] == "check"
    assert "Traceback" not in done.stderr + machine.stderr
