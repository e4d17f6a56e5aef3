"""Starting and ending: ports, a second preview, Ctrl-C with open streams."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from newsletter.cli.main import main
from preview.publications import make_publication, running, start


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_at_once_even_with_open_streams(tmp_path: Path, number: int, code: int) -> None:
    preview = start(make_publication(tmp_path / "letters"), "--port", "0")
    streams = [urlopen(f"{preview.url}events", timeout=30) for _ in range(9)]
    for stream in streams:
        assert b"retry" in stream.readline()
    assert preview.stop(number) == code, "it waits for nobody: the streams are still open"
    for stream in streams:
        stream.read()
        stream.close()
    assert [line for line in preview.said if "Traceback" in line or "Error" in line] == []
    assert not (tmp_path / "letters" / ".newsletter" / "preview.json").exists()


def test_a_port_that_is_taken_is_said_and_another_one_is_found(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        preview = start(make_publication(tmp_path / "letters"), "--port", str(port))
        try:
            assert f":{port}/" not in preview.url
            with urlopen(f"{preview.url}api/home") as answer:
                assert json.load(answer)["folder"] == str(tmp_path / "letters")
        finally:
            preview.stop()


def test_a_second_preview_says_where_the_first_one_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_publication(tmp_path / "letters")
    with running(folder) as first:
        assert main(["-C", str(folder), "--json", "preview", "two", "--no-open"]) == 0
        second = json.loads(capsys.readouterr().out)["data"]
        assert second == {"url": f"{first.url}#002-two.md", "already": True}


@pytest.mark.slow
def test_what_a_killed_preview_left_behind_is_no_first_one(tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    preview = start(folder, "--port", "0")
    urlopen(f"{preview.url}api/home", timeout=30).close()
    assert preview.stop(signal.SIGKILL) == -signal.SIGKILL
    assert (folder / ".newsletter" / "preview.json").exists()
    with running(folder) as next_one:
        assert next_one.url


@pytest.mark.parametrize("reference", ["nothing-like-it", "../elsewhere.md"])
def test_an_issue_that_is_not_in_the_publication_is_a_usage_error(
    tmp_path: Path, reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere.md").write_text("# Elsewhere\n\nText\n")
    folder = make_publication(tmp_path / "letters")
    assert main(["-C", str(folder), "preview", reference, "--no-open"]) in (1, 2)
    said = capsys.readouterr().err
    assert "error:" in said
    assert "Traceback" not in said


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of the folder; folders as empty."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("database", [pytest.param(False, marks=pytest.mark.slow), True])
def test_read_only_leaves_the_publication_exactly_as_it_was(tmp_path: Path, database: bool) -> None:
    folder = make_publication(tmp_path / "letters")
    (folder / "checks").mkdir()
    (folder / "checks" / "house.py").write_text("# rules of our own\n")
    if database:
        assert main(["-C", str(folder), "approve", "one"]) == 0
    before = contents(folder)
    assert any(name.endswith("newsletter.db") for name in before) is database
    with running(folder, "--read-only") as preview:
        for path in (
            "",
            "api/board",
            "api/issues/001-one.md",
            "api/month",
            "frame/001-one.md",
            "source/002-two.md?of=mime",
        ):
            urlopen(f"{preview.url}{path}", timeout=30).close()
        with urlopen(f"{preview.url}api/board", timeout=30) as answer:
            assert json.load(answer)["queue"] == (["one"] if database else [])
        assert contents(folder) == before
    assert contents(folder) == before


def test_read_only_and_share_say_what_to_do_about_an_older_schema_and_leave_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_publication(tmp_path / "letters")
    assert main(["-C", str(folder), "approve", "one"]) == 0
    with closing(sqlite3.connect(folder / ".newsletter" / "newsletter.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        database.commit()
    before = contents(folder)
    for options in (["--read-only", "--no-open"], ["one", "--share", str(tmp_path / "one.html")]):
        capsys.readouterr()
        assert main(["-C", str(folder), "preview", *options]) == 1
        said = capsys.readouterr().err
        assert "the database has schema 0001, older than this program's" in said
        assert "start it once without --read-only" in said
    assert contents(folder) == before
