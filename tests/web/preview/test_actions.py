"""What can be done from the page: into the simulator, into the queue, by keyboard alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from preview.conftest import PATIENCE, Editor
from preview.publications import make_publication, running, write_issue

expect.set_options(timeout=PATIENCE)


@contextmanager
def opened(chromium: Browser, folder: Path, *options: str) -> Iterator[Page]:
    """The page of a preview of `folder`, on its first issue."""
    with running(folder, *options) as preview:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{preview.url}#001-one.md")
        page.locator("html[data-version]").wait_for(state="attached")
        yield page
        page.close()


def test_a_test_goes_to_the_ticked_addresses_only_and_shows_as_a_command(editor: Editor) -> None:
    editor.side("[data-action=test]").click()
    dialog = editor.page.get_by_role("dialog")
    expect(dialog.locator("code")).to_have_text(
        re.compile("newsletter send .* --test me@letters.example --test you@letters.example")
    )
    dialog.get_by_label("you@letters.example").uncheck()
    dialog.get_by_role("button", name="Send the test").click()
    expect(editor.page.locator(".toast")).to_contain_text("sent as a test to me@letters.example")
    lines = (editor.folder / ".newsletter" / "simulator" / "accepted.ndjson").read_text().splitlines()
    mails = [json.loads(line) for line in lines]
    subject = editor.page.locator("#side .title").inner_text()
    assert [subject in json.dumps(mail) for mail in mails] == [True]
    assert "me@letters.example" in json.dumps(mails)
    assert "you@letters.example" not in json.dumps(mails)


def test_approving_asks_then_queues_what_was_seen(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, make_publication(tmp_path / "letters")) as page:
        page.locator("#side [data-action=approve]").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("code")).to_have_text("newsletter approve one")
        dialog.get_by_role("button", name="Approve").click()
        expect(page.locator("#rows h2").first).to_contain_text("Queue 1")
        expect(page.locator("#side .sentence")).to_have_text("It is approved and goes out by itself:")
        expect(page.locator("#side [data-action=approve]")).to_have_attribute("aria-disabled", "true")
        page.locator("#side [data-action=hold]").click()
        expect(page.locator("#side .sentence")).to_contain_text("It is held")
        page.locator("#side [data-action=release]").click()
        expect(page.locator("#side .sentence")).to_contain_text("goes out by itself")
        write_issue(tmp_path / "letters", "001-one.md", "One", "\n\nA change of mind.\n")
        expect(page.locator("#side .sentence")).to_contain_text("It changed since its approval")
        page.get_by_role("tab", name="Changes").click()
        page.get_by_role("button", name="The approved edition").click()
        expect(page.locator("#side .diff ins, #side .diff .added").first).to_contain_text("A change of mind.")


def test_a_command_in_another_terminal_shows_in_the_page(chromium: Browser, tmp_path: Path) -> None:
    from newsletter.cli.main import main

    folder = make_publication(tmp_path / "letters")
    with opened(chromium, folder) as page:
        assert main(["-C", str(folder), "approve", "two"]) == 0
        expect(page.locator("#rows h2").first).to_contain_text("Queue 1")
        expect(page.locator("#next")).to_contain_text("two")


def test_moving_in_the_queue_changes_who_goes_first(chromium: Browser, tmp_path: Path) -> None:
    from newsletter.cli.main import main

    folder = make_publication(tmp_path / "letters")
    for slug in ("one", "two"):
        assert main(["-C", str(folder), "approve", slug]) == 0
    with opened(chromium, folder) as page:
        expect(page.locator("#next b")).to_have_text("one")
        page.locator("#side [data-action=down]").click()
        expect(page.locator("#next b")).to_have_text("two")


def test_an_error_finding_keeps_an_issue_from_being_approved_and_says_so(editor: Editor) -> None:
    editor.file.write_text(editor.file.read_text().replace("subject:", "status: draft\nsubject:"))
    button = editor.side("[data-action=approve]")
    expect(button).to_have_attribute("title", re.compile("Not now: 1 error to mend first"))
    button.press("Enter")
    expect(editor.page.get_by_role("dialog")).to_contain_text("1 error to mend first")


def test_all_of_it_works_by_keyboard_alone(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, make_publication(tmp_path / "letters")) as page:
        press = page.keyboard.press
        title = page.locator("#side .title")
        press("j")
        expect(title).to_have_text("Two")
        press("j")
        expect(title).to_have_text("Three")
        press("k")
        expect(title).to_have_text("Two")
        press("Control+k")
        page.keyboard.type("one")
        expect(page.locator("#choices li").first).to_contain_text("One")
        press("Enter")
        expect(title).to_have_text("One")
        press("2")
        expect(page.get_by_role("radio", name="Text", exact=True)).to_have_attribute("aria-checked", "true")
        press("1")
        press("a")
        expect(page.get_by_role("dialog")).to_be_visible()
        press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.locator("#rows h2").first).to_contain_text("Being written")
        press("a")
        expect(page.get_by_role("button", name="Approve").last).to_be_focused()
        press("Enter")
        expect(page.locator("#rows h2").first).to_contain_text("Queue 1")
        press("?")
        expect(page.get_by_role("dialog")).to_contain_text("next issue")
        press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_keys_work_while_the_email_has_the_focus(editor: Editor) -> None:
    editor.email.get_by_text("The last paragraph").click()
    editor.page.keyboard.press("2")
    expect(editor.page.get_by_role("radio", name="Text", exact=True)).to_have_attribute("aria-checked", "true")


def test_what_can_be_reached_by_tab_has_a_name(editor: Editor) -> None:
    nameless = editor.page.evaluate("""() =>
        [...document.querySelectorAll('button, a[href], input, select, [tabindex]')]
        .filter(e => e.checkVisibility() && e.tabIndex >= 0 && !(e.innerText || '').trim())
        .filter(e => !e.getAttribute('aria-label') && !(e.labels && e.labels.length)).map(e => e.outerHTML)""")
    assert nameless == []


def test_read_only_shows_everything_and_does_and_writes_nothing(chromium: Browser, tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    before = sorted(folder.rglob("*"))
    with opened(chromium, folder, "--read-only") as page:
        expect(page.locator("#next")).to_contain_text("read-only")
        page.locator("#side [data-action=approve]").press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("this preview is read-only")
        answer = page.evaluate("""async () => { const token = document.querySelector('meta[name=token]').content;
            const r = await fetch('/api/do/approve', { method: 'POST', body: JSON.stringify({ name: '001-one.md' }),
                headers: { 'content-type': 'application/json', 'x-newsletter-token': token } });
            return [r.status, (await r.json()).message] }""")
        assert answer == [403, "this preview is read-only"]
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Browser, editor: Editor, scheme: str) -> None:
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    page = editor.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    editor.add("\n\nA TODO. ![](https://img.example/cat.png)\n")
    expect(editor.side(".finding").first).to_be_visible()
    page.evaluate(axe)

    def run(state: str) -> None:
        found = page.evaluate("async () => await axe.run(document, { iframes: false })")
        assert found["passes"], state
        assert [(state, rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []

    run("findings")
    for tab in ("links", "size", "reading", "clients", "changes"):
        page.locator(f"#tab-{tab}").click()
        run(tab)
    for key, state in (
        ("4", "inbox"),
        ("6", "message"),
        ("s", "side by side"),
        ("?", "keys"),
        ("Control+k", "palette"),
    ):
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press(key)
        run(state)
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    run("narrow")


def test_at_twice_the_size_nothing_is_lost(editor: Editor) -> None:
    editor.page.set_viewport_size({"width": 720, "height": 450})  # what 200 % leaves of 1440 by 900
    editor.page.get_by_role("button", name="Issues").click()
    expect(editor.page.locator("#rows a").first).to_be_visible()
    editor.page.get_by_role("button", name="Issues").click()
    editor.page.get_by_role("button", name="About it").click()
    expect(editor.side("[data-action=approve]")).to_be_visible()
    assert editor.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
