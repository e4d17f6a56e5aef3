"""What a shell offers on Tab, asked as the shells ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.cli.completion import complete_issue
from newsletter.cli.main import main

PROGRAM = f"#!{sys.executable}\nimport sys\nfrom newsletter.cli.main import main\nsys.exit(main())\n"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def publication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.toml").touch()
    for name in ("007-what-is-a-token.md", "Über uns.md", "notes.txt"):
        (tmp_path / "issues" / name).touch()
    monkeypatch.chdir(tmp_path / "issues")
    return tmp_path


def test_an_issue_can_be_next_last_or_the_slug_of_a_file(publication: Path) -> None:
    assert complete_issue("") == ["next", "last", "what-is-a-token", "uber-uns"]
    assert complete_issue("wh") == ["what-is-a-token"]


def test_outside_of_a_publication_there_is_still_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete_issue("n") == ["next"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("newsletter que", ["queue"]),
        ("newsletter queue mo", ["move"]),
        ("newsletter send wh", ["what-is-a-token"]),
        ("newsletter send --dry", ["--dry-run"]),
        ("newsletter xyz", []),
    ],
)
@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_with_the_script(
    publication: Path, capsys: pytest.CaptureFixture[str], line: str, offered: list[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    (publication / "script").write_text(capsys.readouterr().out, encoding="utf-8")
    (publication / "newsletter").write_text(PROGRAM, encoding="utf-8")
    (publication / "newsletter").chmod(0o755)
    words = line.split()
    ask = f'. "$1"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _newsletter_completion newsletter; '
    done = subprocess.run(
        ["bash", "-c", ask + 'printf "%s\\n" "${COMPREPLY[@]}"', "bash", publication / "script"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{publication}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    )
    assert (done.stdout.split(), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_NEWSLETTER_COMPLETE" in capsys.readouterr().out


def test_an_unknown_shell_is_an_error_that_names_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
