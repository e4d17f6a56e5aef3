"""The wheel: what it carries, and that it runs from where it is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_a_wheel_carries_the_program_with_its_data_and_runs(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("newsletter-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    for folder in ("templates", "issues"):
        for file in (path for path in (ROOT / folder).rglob("*") if path.is_file()):
            assert f"newsletter/_data/{file.relative_to(ROOT).as_posix()}" in names
    assert {"newsletter/_data/glossary.toml", "newsletter/store/migrations/script.py.mako"} <= names
    assert not [name for name in names if name.startswith(("tests/", "scheduler", "docs/"))]

    # From the wheel's own files: where nothing else of the project is, nothing is set up.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "newsletter", "--version"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("newsletter ")
