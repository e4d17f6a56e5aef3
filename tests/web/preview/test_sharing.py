"""One file that shows everything of an issue and needs nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from newsletter.cli.main import main
from preview.conftest import PATIENCE
from preview.publications import make_publication, write_issue

expect.set_options(timeout=PATIENCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = make_publication(tmp_path / "letters")
    write_issue(made, "001-one.md", "One </script><b>&", "\n\nA TODO. ![A cat](https://img.example/cat.png)\n")
    return made


def test_preview_and_build_write_the_same_page_and_twice_the_same(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.html", tmp_path / "second.html"
    for file in (first, second):
        assert main(["-C", str(folder), "preview", "001-one.md", "--share", str(file)]) == 0
    assert main(["-C", str(folder), "build", "-o", str(tmp_path / "built"), "--share"]) == 0
    (built,) = (tmp_path / "built").glob("one*/share.html")
    assert first.read_bytes() == second.read_bytes() == built.read_bytes()


def test_it_makes_no_database_to_share(folder: Path, tmp_path: Path) -> None:
    assert main(["-C", str(folder), "preview", "two", "--share", str(tmp_path / "two.html")]) == 0
    assert not (folder / ".newsletter").exists()


def test_it_shows_every_view_without_script_or_network(chromium: Browser, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.html"
    assert main(["-C", str(folder), "preview", "001-one.md", "--share", str(file)]) == 0
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("h1")).to_have_text("One </script><b>&")
    email = page.locator("section:visible iframe")
    expect(email.content_frame.get_by_text("The last paragraph")).to_be_attached()
    for view, text in (
        ("Findings", "TODO"),
        ("Links", "https://example.org/page"),
        ("Headers", "List-Unsubscribe"),
    ):
        page.get_by_role("radio", name=re.compile(f"^{view}")).check()
        expect(page.locator("section:visible")).to_contain_text(text)
    page.get_by_role("radio", name="Dark", exact=True).check()
    expect(email.content_frame.locator("body")).to_contain_text("The last paragraph")
    assert [url for url in asked if not url.startswith(("file:", "about:", "data:"))] == []
    context.close()


def test_a_broken_issue_or_a_folder_that_is_not_there_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "issues" / "002-two.md").write_text("---\nsubject: [\n---\n")
    assert main(["-C", str(folder), "preview", "002-two.md", "--share", str(tmp_path / "x.html")]) == 1
    assert "002-two.md:2" in capsys.readouterr().err
    assert main(["-C", str(folder), "preview", "three", "--share", str(tmp_path / "no" / "x.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main(["-C", str(folder), "--json", "preview", "--share", str(tmp_path / "x.html")]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert re.search("needs an issue", answer["error"]["message"])
