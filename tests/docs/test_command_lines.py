"""Each command line in README and docs is run, in a publication made for it, and ends as it should."""

from __future__ import annotations

import io
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest
from pages import PAGES, commands, name

from newsletter.cli.main import hoist, main

# What is not run here, by how it begins (after the options for all commands), and why.
NOT_RUN = {
    "bounces read imaps:": "asks a mail server; tests/providers",
    "demo": "test_tour.py runs it",
    "doctor": "asks DNS; tests/pipeline/test_doctor.py",
    "import-site substack-export.zip --site https://old.example --fetch-images": "asks that site; tests/pipeline",
    "preview": "serves until Ctrl-C; tests/web/preview",
    "scheduler run": "stays until Ctrl-C; tests/cli/test_signals.py",
    "serve": "serves until Ctrl-C; tests/web/public/test_served.py",
    "simulator": "serves until Ctrl-C; tests/cli/test_simulator.py",
    "test": "would run itself",
    "worker": "stays until Ctrl-C, and needs PostgreSQL; tests/crash/test_workers.py",
}
RUN_ALL_THE_SAME = ("preview welcome --share", "doctor --offline")  # end by themselves
# Which do not end with 0, and why.
ENDS = {
    "send welcome --now": 5,  # asks for the confirmation: that is what the pages show
}
STANDS_FOR = {"ISSUE": "welcome", "/mnt/other-disk/today.db": "today.db"}
TOKENS = (
    "---\nsubject: What is a token?\npreheader: Why a model counts pieces\nstatus: ready\n---\n\nIt reads tokens.\n"
)
READERS = "email,name,tags\nada@example.org,Ada,beta\nbob@example.org,Bob,\n"
CONSENT = ("--consent-source", "at the fair", "--consent-date", "2026-05-01")


def lines(page: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, words) of each command line of a page, with names for what stands for one."""
    for number, words in commands(page.read_text(encoding="utf-8")):
        yield number, [STANDS_FOR.get(word, word) for word in words if word not in ("<", "bounce.eml")]


def kept_back(words: list[str]) -> str:
    """Why this line is not run; empty where it is."""
    line = " ".join(hoist(words).rest)
    if line.startswith(RUN_ALL_THE_SAME):
        return ""
    return next((why for start, why in NOT_RUN.items() if re.match(rf"{re.escape(start)}( |$|(?<=:))", line)), "")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication with two issues in the queue, two readers, and the files that the pages name."""
    folder = tmp_path_factory.mktemp("lines") / "letter"
    here = ("-C", str(folder))
    assert main(["init", str(folder)]) == 0
    config = folder / "newsletter.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        re.sub('postal_address = ""', 'postal_address = "Letter, Street 1, Town"', text), encoding="utf-8"
    )
    (folder / "issues" / "002-what-is-a-token.md").write_text(TOKENS, encoding="utf-8")
    for file in ("readers.csv", "list.csv"):
        (folder / file).write_text(READERS, encoding="utf-8")
    assert main([*here, "subscribers", "import", str(folder / "list.csv"), *CONSENT]) == 0
    for slug in ("welcome", "what-is-a-token"):
        assert main([*here, "approve", slug]) == 0
    mail = EmailMessage()
    mail.set_content("Not a report.")
    (folder / "bounces.mbox").write_text(f"From a Thu Nov 26 09:00:00 2026\n{mail}\n", encoding="utf-8")
    with zipfile.ZipFile(folder / "substack-export.zip", "w") as export:
        export.writestr("posts.csv", "post_id,post_date,is_published,title\n1.one,2026-01-01T00:00:00Z,true,One\n")
        export.writestr("posts/1.one.html", "<p>One.</p>")
    backup = folder / ".newsletter" / "backups" / "newsletter-20261124T030000Z.db"
    backup.parent.mkdir()
    assert main([*here, "db", "backup", str(backup)]) == 0
    return folder


def put_in_doubt(folder: Path) -> None:
    """Be unsure whether the batch that was sent was taken."""
    with closing(sqlite3.connect(folder / ".newsletter" / "newsletter.db")) as ledger, ledger:
        ledger.execute("UPDATE broadcasts SET state = 'paused', finished_at = NULL")
        ledger.execute("UPDATE batches SET state = 'unknown'")
        ledger.execute("UPDATE deliveries SET state = 'unknown'")


def run(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a line in `folder`."""
    monkeypatch.chdir(folder)
    mail = EmailMessage()
    mail.set_content("Not a report.")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bytes(mail))))
    if "--resume" in words or words[0] == "stats":
        assert main(["send", "welcome", "--now", "--confirm", "welcome:2"]) == 0
    if "--resume" in words:
        put_in_doubt(folder)
    if words[0] == "new":  # the tour writes this issue
        (folder / "issues" / "002-what-is-a-token.md").unlink()
    return main(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if list(lines(page))], ids=name)
def test_every_command_line_runs(
    page: Path,
    prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = []
    for number, words in lines(page):
        if kept_back(words):
            continue
        folder = tmp_path / str(number) / "letter"
        shutil.copytree(prepared, folder)
        code = run(words, folder, monkeypatch)
        out, err = capsys.readouterr()
        if code != ENDS.get(" ".join(words), 0):
            wrong.append(f"{name(page)}:{number}: newsletter {' '.join(words)} ends with {code}\n{out}{err}")
    assert not wrong, "\n".join(wrong)


def test_what_is_not_run_is_still_in_a_page() -> None:
    every = [words for page in PAGES for _, words in lines(page)]
    reasons = {kept_back(words) for words in every}
    assert set(NOT_RUN.values()) <= reasons
    assert [line for line in ENDS if line.split() not in every] == []
