"""`newsletter test`: pytest in this interpreter, its exit code, and where there are no tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from newsletter.cli.main import main; sys.exit(main())"
ONE = "tests/cli/test_main.py::test_global_options_may_stand_anywhere"


def run(*words: str, cwd: Path, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(call, cwd=cwd, env={"PYTHONPATH": str(path)}, capture_output=True, text=True, check=False)


def test_words_go_to_pytest_and_its_exit_code_comes_back(tmp_path: Path) -> None:
    done = run("test", "-n", "0", "-q", ONE, cwd=tmp_path)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stderr
    assert run("test", "-n", "0", ONE, "-k", "nothing_of_this_name", cwd=tmp_path).returncode == 5


@pytest.mark.parametrize(("words", "code"), [([], 0), (["-k", "nothing_of_this_name"], 5)])
def test_json_is_one_object_and_the_report_is_on_stderr(words: list[str], code: int, tmp_path: Path) -> None:
    done = run("test", "--json", "-n", "0", ONE, *words, cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (code, code == 0)
    assert "test session starts" in done.stderr


def test_outside_a_checkout_it_says_where_the_tests_are(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "newsletter", tmp_path / "newsletter", ignore=shutil.ignore_patterns("__pycache__"))
    done = run("test", cwd=tmp_path, path=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the tests are in the project's repository" in done.stderr
