"""The reference of the commands: a man page and a Markdown page, made from the commands themselves."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from newsletter.cli.app import app
from newsletter.cli.main import main
from newsletter.cli.manual import as_man_page, as_markdown, entries


def test_every_command_and_option_is_in_both_pages() -> None:
    commands = entries(app)
    assert {"send", "queue", "queue move", "subscribers import"} <= {entry.path for entry in commands}
    man, page = as_man_page(commands).replace("\\-", "-"), as_markdown(commands)
    for entry in commands:
        assert f".SS {entry.usage}\n" in man
        assert f"## `newsletter {entry.path}`\n" in page
        assert all(f"| `{word.written}` |" in page and word.written in man for word in entry.words)


def test_every_argument_and_option_says_what_it_means() -> None:
    assert [(entry.path, word.written) for entry in entries(app) for word in entry.words if not word.meaning] == []


def test_every_command_has_an_example_that_begins_with_it() -> None:
    wrong = [(each.path, each.example) for each in entries(app) if f"newsletter {each.path}" not in each.example]
    assert wrong == []


def test_no_letter_of_the_man_page_is_taken_for_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manual"]) == 0
    page = capsys.readouterr().out
    assert page.isascii()
    requests = set(re.findall(r"^\.(\w+)", page, re.MULTILINE))
    assert requests == {"TH", "SH", "SS", "PP", "TP", "B", "EX", "EE"}


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_has_nothing_to_say_about_the_man_page() -> None:
    page = as_man_page(entries(app)).encode()
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, check=True)
    assert done.stderr == b""
    assert "newsletter subscribers import" in re.sub(r"\x1b\[\d*m|.\x08", "", done.stdout.decode())
