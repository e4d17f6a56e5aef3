"""Disks that are full or may not be written to, and what is left behind on them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from calling import Call, complains
from test_streams import shell

FULL = "trap '' XFSZ; ulimit -f {blocks}; exec"  # files may grow to that many blocks of 512 bytes


@pytest.mark.parametrize(
    "command",
    ["status", "approve first", "new Hello", "subscribers import l.csv --consent-source x --consent-date 2026-01-01"],
)
def test_a_disk_that_is_full_from_the_start_is_told(publication: Path, command: str) -> None:
    (publication / "l.csv").write_text("email\na@x.example\n")
    done = shell(f"{FULL.format(blocks=8)} $N {command}", publication)
    assert (done.returncode, done.stdout) == (1, "")
    assert "full" in done.stderr or "disk I/O error" in done.stderr
    assert "bug" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert shell(f"$N {command}", publication).returncode == 0


def test_a_disk_that_fills_up_leaves_an_import_undone(call: Call, publication: Path) -> None:
    assert call("status").code == 0
    path = publication / ".newsletter" / "newsletter.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (publication / "l.csv").write_text("email\n" + "".join(f"r{number}@x.example\n" for number in range(3000)))
    done = shell(
        f"{FULL.format(blocks=400)} $N subscribers import l.csv --consent-source x --consent-date 2026-01-01",
        publication,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 2)
    assert call("subscribers", "count", "--json").data["data"]["states"] == {}
    assert (
        shell("$N subscribers import l.csv --consent-source x --consent-date 2026-01-01", publication).returncode == 0
    )


def test_what_cannot_be_built_or_begun_leaves_nothing(publication: Path, tmp_path: Path) -> None:
    for command in ("build -o out", "init new", "demo --keep demo"):
        done = shell(f"{FULL.format(blocks=2)} $N {command}", publication)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 2), done
        assert "cannot be written: File too large" in done.stderr
    left = [path for name in ("out", "new", "demo") for path in (publication / name).rglob("*") if path.is_file()]
    assert left == []
    for command in ("build -o out", "init new"):
        assert shell(f"$N {command}", publication).returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        ("build", "-o", "/dev/null"),
        ("build", "-o", "/proc/nowhere"),
        ("init", "/proc/nowhere"),
        ("demo", "--keep", "/proc/nowhere"),
        ("simulator", "--port", "0", "--data", "/proc/nowhere"),
    ],
)
def test_a_place_that_is_no_folder_is_told(call: Call, line: tuple[str, ...]) -> None:
    complains(call, 1, *line, of=f"{line[-1]}")


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="root may do everything here")
def test_who_may_not_write_or_read_is_told(publication: Path) -> None:
    (publication / "issues").chmod(0o555)
    publication.chmod(0o555)
    for command in ("status", "new Hello", "approve first", "build"):
        done = _without_rights(publication, command)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 2), done
        assert "Permission denied" in done.stderr
    assert _without_rights(publication, "check").returncode == 0
    (publication / "issues" / "001-first.md").chmod(0)
    assert "001-first.md: cannot be read: Permission denied" in _without_rights(publication, "check").stdout
    (publication / "newsletter.toml").chmod(0)
    done = _without_rights(publication, "status")
    assert (done.returncode, "newsletter.toml: cannot be read: Permission denied" in done.stderr) == (3, True)
    publication.chmod(0o755)


def _without_rights(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """As anybody who is not root; root itself gives up what sets it above the rights of files (capabilities(7))."""
    ordinary = "setpriv --inh-caps=-all --bounding-set=-all" if os.getuid() == 0 else ""
    return shell(f"exec {ordinary} $N {command}", folder)
