"""The command line: options anywhere, exit codes, one JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from calling import CONSENT

from newsletter.cli.main import hoist, main

TOML = """
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
[schedule]
timezone = "Europe/Berlin"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "newsletter.toml").write_text(TOML)
    return tmp_path


def test_global_options_may_stand_anywhere() -> None:
    options = hoist(["queue", "--json", "list", "-C", "x", "--debug"])
    assert (options.rest, options.output.json, options.output.debug) == (["queue", "list"], True, True)
    assert options.output.folder == Path("x")
    assert hoist(["send", "--", "--json"]).rest == ["send", "--", "--json"]


def test_help_loads_none_of_what_is_heavy() -> None:
    script = "import sys; from newsletter.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"pydantic", "sqlalchemy", "rich", "jinja2", "lxml", "requests"}.isdisjoint(done.stderr.split())
    assert "newsletter.cli.app" in done.stderr.split()


def test_success_is_one_json_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "list", "--json", "-C", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "command": "queue list",
        "data": {"queue": []},
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["bogus"], 2, "there is no command 'bogus'"),
        (["queue", "list", "--bogus"], 2, "there is no option --bogus"),
        (["queue", "-C"], 2, "-C needs"),
        (["queue", "-C", "/does/not/exist"], 3, "there is no such folder"),
    ],
)
def test_a_wrong_call_is_told_in_a_line_or_two(
    line: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""
    assert len(captured.err.splitlines()) <= 2
    assert main([*line[:1], "--json", *line[1:]]) == code
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_wrong_key_in_the_configuration_is_named_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "newsletter.toml").write_text(TOML.replace("timezone", "timezon"))
    assert main(["queue", "-C", str(folder)]) == 3
    error = capsys.readouterr().err
    assert 'newsletter.toml:7: unknown key "schedule.timezon"' in error
    assert 'did you mean "timezone"?' in error


def test_a_list_is_imported_and_a_dry_run_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "list.csv").write_text("email\na@test.example\nnobody\n")
    call = ["subscribers", "import", str(folder / "list.csv"), "-C", str(folder), "--json", *CONSENT]
    for extra, added in ((["--dry-run"], 1), ([], 1), ([], 0)):
        assert main([*call, *extra]) == 0
        data = json.loads(capsys.readouterr().out)["data"]
        assert (data["added"], len(data["rejected"])) == (added, 1)


def test_a_day_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scheduler", "explain", "2099-11-26", "-C", str(folder)]) == 0
    assert capsys.readouterr().out == (
        "Thursday 2099-11-26 has no slot: [schedule] days = tue, fri. "
        "The next slot after it is Friday 2099-11-27 09:00 Europe/Berlin.\n"
    )
