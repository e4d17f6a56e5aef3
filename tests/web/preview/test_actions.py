"""What can be done from the page: into the simulator, into the queue, by keyboard alone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from preview.conftest import PATIENCE, Editor
from preview.publications import Running, make_publication, running, write_issue

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


class Pages(BaseHTTPRequestHandler):
    """A small web: `/here` is there."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/here" else 404)
        self.send_header("content-length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name that the server asks for

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web() -> Iterator[str]:
    """The address of a small web on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


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


def test_approving_asks_then_queues_what_was_seen_and_again_after_a_change(editor: Editor) -> None:
    page, slug = editor.page, editor.file.stem.partition("-")[2]
    sentence, approve = editor.side(".sentence"), editor.side("[data-action=approve]")
    approve.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("code")).to_have_text(f"newsletter approve {slug}")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.locator("#rows h2").first).to_contain_text("Queue")
    expect(sentence).to_have_text("It is approved and goes out by itself:")
    expect(approve).to_have_attribute("aria-disabled", "true")
    editor.side("[data-action=hold]").click()
    expect(sentence).to_contain_text("It is held")
    editor.side("[data-action=release]").click()
    expect(sentence).to_contain_text("goes out by itself")
    editor.file.write_text(editor.file.read_text().replace("The first", "The very first") + "\n\nA change of mind.\n")
    expect(sentence).to_contain_text("It changed since its approval")
    page.get_by_role("tab", name="Changes").click()
    page.get_by_role("button", name="The approved edition").click()
    expect(editor.side(".diff ins, .diff .added").first).to_contain_text("very")
    editor.side("[data-key=marked-approved]").click()
    expect(editor.email.locator("[data-diff=added]")).to_contain_text("A change of mind.")
    expect(editor.email.locator("[data-diff=changed] ins")).to_have_text("very ")
    steps = page.locator(".steps .count")
    expect(steps).to_have_text("1 of 2: 1 changed, 1 added")
    page.keyboard.press(".")
    expect(steps).to_have_text("2 of 2: 1 changed, 1 added")
    editor.file.write_text(re.sub(r"## A heading\n", "", editor.file.read_text()))
    expect(editor.email.locator("[data-diff=removed]")).to_contain_text("A heading")
    approve.click()
    dialog.get_by_role("button", name="Approve").click()
    expect(sentence).to_have_text("It is approved and goes out by itself:")
    expect(steps).to_have_text("no word changed")


@pytest.mark.slow
def test_a_command_in_another_terminal_shows_in_the_page_and_moving_changes_who_goes_first(
    chromium: Browser, tmp_path: Path
) -> None:
    from newsletter.cli.main import main

    folder = make_publication(tmp_path / "letters")
    with opened(chromium, folder) as page:
        for slug, count in (("one", 1), ("two", 2)):
            assert main(["-C", str(folder), "approve", slug]) == 0
            expect(page.locator("#rows h2").first).to_contain_text(f"Queue {count}")
        expect(page.locator("#next b")).to_have_text("one")
        page.locator("#side [data-action=down]").click()
        expect(page.locator("#next b")).to_have_text("two")


def test_an_error_finding_keeps_an_issue_from_being_approved_and_says_so(editor: Editor) -> None:
    editor.file.write_text(editor.file.read_text().replace("subject:", "status: draft\nsubject:"))
    button = editor.side("[data-action=approve]")
    expect(button).to_have_attribute("title", re.compile("Not now: 1 error to mend first"))
    button.press("Enter")
    expect(editor.page.get_by_role("dialog")).to_contain_text("1 error to mend first")


@pytest.mark.slow
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


@pytest.mark.slow
def test_read_only_shows_everything_and_does_nothing(chromium: Browser, tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    with opened(chromium, folder, "--read-only") as page:
        expect(page.locator("#next")).to_contain_text("read-only")
        page.locator("#side [data-action=approve]").press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("this preview is read-only")
        answer = page.evaluate("""async () => { const token = document.querySelector('meta[name=token]').content;
            const r = await fetch('/api/do/approve', { method: 'POST', body: JSON.stringify({ name: '001-one.md' }),
                headers: { 'content-type': 'application/json', 'x-newsletter-token': token } });
            return [r.status, (await r.json()).message] }""")
        assert answer == [403, "this preview is read-only"]


def test_the_html_that_is_copied_is_that_of_the_email(editor: Editor) -> None:
    editor.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=editor.preview.url.rstrip("/"))
    editor.page.keyboard.press("c")
    expect(editor.page.locator(".toast")).to_contain_text("HTML copied")
    copied = editor.page.evaluate("() => navigator.clipboard.readText()")
    with urlopen(f"{editor.preview.url}source/{editor.file.name}?of=html") as answer:
        assert copied == answer.read().decode()
    assert copied.startswith("<!DOCTYPE html>")


def test_what_the_page_exports_is_what_the_command_writes(editor: Editor, tmp_path: Path) -> None:
    from newsletter.cli.main import main

    editor.page.keyboard.press("Control+k")
    editor.page.keyboard.type("export one")
    with editor.page.expect_download() as started:
        editor.page.keyboard.press("Enter")
    slug = editor.file.stem.partition("-")[2]
    assert started.value.suggested_filename == f"{slug}.html"
    file = tmp_path / "share.html"
    assert main(["-C", str(editor.folder), "preview", slug, "--share", str(file)]) == 0
    assert Path(started.value.path()).read_bytes() == file.read_bytes()


def test_a_real_subscriber_is_found_by_a_part_of_the_address_and_read_as(editor: Editor) -> None:
    from newsletter.cli.main import main

    for address, name in (("bob@readers.example", "Bob Stone"), ("%_@readers.example", "Percy Cent")):
        folder = str(editor.folder)
        assert main(["-C", folder, "subscribers", "add", address, "--name", name, "--consent-source", "test"]) == 0
    editor.page.keyboard.press("r")
    choices = editor.page.locator("#choices li")
    expect(choices.first).to_contain_text("Ada Sample")
    editor.page.keyboard.type("%_@")
    expect(choices).to_have_text(["Percy Cent <%_@readers.example>subscriber"])
    editor.page.locator("#dialog input").fill("OB@READERS")
    expect(choices).to_have_text(["Bob Stone <bob@readers.example>subscriber"])
    editor.page.keyboard.press("Enter")
    expect(editor.email.get_by_text("Hello Bob Stone,")).to_be_attached()
    leave = editor.email.locator("a[href*='/unsubscribe/']").first
    expect(leave).to_have_attribute("href", re.compile("/unsubscribe/preview$"))


def test_each_variant_of_a_conditional_part_can_be_read(editor: Editor) -> None:
    editor.add('\n\n{{ email | ends("@example.org") | then("Dear colleague.") | default("Dear reader.") }}\n')
    expect(editor.email.get_by_text("Dear reader.")).to_be_attached()
    editor.page.keyboard.press("r")
    editor.page.locator("#choices li", has_text="email: ada@example.org").first.click()
    expect(editor.email.get_by_text("Dear colleague.")).to_be_attached()


def test_try_the_links_asks_the_web_and_shows_what_became_of_each(editor: Editor) -> None:
    config = (editor.folder / "newsletter.toml").read_text()
    with web() as address:
        allowed = config + '\n[links]\nallow = ["127.0.0.1"]\npause = "0s"\n'
        (editor.folder / "newsletter.toml").write_text(allowed)
        editor.file.write_text(f"---\nsubject: Links\n---\n\n[here it is]({address}here), [not there]({address}gone)\n")
        editor.page.get_by_role("tab", name="Links").click()
        expect(editor.side(".links")).to_contain_text("not tried")
        editor.side("[data-action=links]").click()
        expect(editor.page.locator(".toast")).to_contain_text("2 links: 1 fine, 1 dead")
        expect(editor.side(".links li").filter(has_text="here it is")).to_contain_text("works")
        expect(editor.side(".links li.wrong")).to_contain_text("is gone (answer 404)")
    (editor.folder / "newsletter.toml").write_text(config)


def test_the_month_shows_slots_and_what_goes_out_and_is_turned_by_key(editor: Editor) -> None:
    page = editor.page
    config = (editor.folder / "newsletter.toml").read_text()
    (editor.folder / "newsletter.toml").write_text(
        config.replace("[schedule]\n", '[schedule]\nskip = ["2031-12-26"]\n')
    )
    slot = "2031-12-23"
    editor.file.write_text(f"---\nsubject: Far away\nslot: {slot}\n---\n\nText\n")
    expect(editor.email.get_by_text("Text", exact=True)).to_be_attached()
    page.keyboard.press("m")
    table = page.get_by_role("table", name=re.compile("Slots in"))
    expect(table.get_by_role("columnheader")).to_have_count(7)
    title = page.locator("#dialog-title")
    shown = title.inner_text()
    page.keyboard.press("PageDown")
    expect(title).not_to_have_text(shown)
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text(shown)
    found = page.evaluate("async () => (await fetch('/api/month?month=2031-12')).json()")
    days = {day["day"]: day for week in found["weeks"] for day in week if day}
    assert days[23]["slots"] == [{"time": "09:00", "state": "free", "words": "no issue yet", "slug": "", "name": ""}]
    assert (days[26]["text"], days[26]["slots"]) == ("Friday 26 December", [])
    assert days[26]["skipped"] == "[schedule] skip has 2031-12-26"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    (editor.folder / "newsletter.toml").write_text(config)


AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"


def blamed(page: Page, state: str) -> list[tuple[str, str, str]]:
    """What axe-core says against the page as it is now."""
    found = page.evaluate("async () => await axe.run(document, { iframes: false })")
    assert found["passes"], state
    return [(state, rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]]


def test_axe_finds_nothing_where_an_editor_begins(editor: Editor) -> None:
    editor.add("\n\nA TODO. ![](https://img.example/cat.png)\n")
    expect(editor.side(".finding").first).to_be_visible()
    editor.page.evaluate(AXE.read_text(encoding="utf-8"))
    assert blamed(editor.page, "findings") == []
    editor.page.keyboard.press("m")
    expect(editor.page.get_by_role("dialog")).to_be_visible()
    assert blamed(editor.page, "calendar") == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(editor: Editor, scheme: str) -> None:
    page = editor.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    editor.add("\n\nA TODO. ![](https://img.example/cat.png)\n")
    expect(editor.side(".finding").first).to_be_visible()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = blamed(page, "findings")
    for tab in ("links", "size", "reading", "clients", "changes"):
        page.locator(f"#tab-{tab}").click()
        found += blamed(page, tab)
    for key, state in (
        ("4", "inbox"), ("6", "message"), ("s", "side by side"), ("1", "email"), ("v", "marks"), ("?", "keys"),
        ("Control+k", "palette"), ("r", "readers"), ("m", "calendar"),
    ):  # fmt: skip
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        found += blamed(page, state)
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    found += blamed(page, "narrow")
    page.keyboard.press("m")
    expect(page.get_by_role("dialog")).to_be_visible()
    found += blamed(page, "narrow calendar")
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("view", ["email", "web", "text"])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_readers_get(
    chromium: Browser, preview: Running, view: str, look: str
) -> None:
    """What the frame's address answers, outside of its sandbox: in it nothing runs, axe neither."""
    file = write_issue(preview.folder, f"7-{view}-{look}.md", "All of it", EVERYTHING)
    page = chromium.new_page()
    with urlopen(f"{preview.url}frame/{file.name}?view={view}&look={look}") as answer:
        page.set_content(answer.read().decode())
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => await axe.run(document)")
    assert found["passes"]
    serious = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in serious] == []
    page.close()
    file.unlink()


EVERYTHING = """
A `code`, a **strong** word, a footnote.[^1]

| Day | Where |
|---|---|
| Saturday | Market |

- one
- two
  - three

> A quotation.

```python
print("code")
```

```
┌─────┐
│ box │
└─────┘
```

![A cat asleep](data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=)

[^1]: The footnote.
"""


def test_at_twice_the_size_nothing_is_lost(editor: Editor) -> None:
    editor.page.set_viewport_size({"width": 720, "height": 450})  # what 200 % leaves of 1440 by 900
    editor.page.get_by_role("button", name="Issues").click()
    expect(editor.page.locator("#rows a").first).to_be_visible()
    editor.page.get_by_role("button", name="Issues").click()
    editor.page.get_by_role("button", name="About it").click()
    expect(editor.side("[data-action=approve]")).to_be_visible()
    assert editor.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
