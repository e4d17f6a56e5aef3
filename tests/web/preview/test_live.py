"""What is saved shows at once, in a real Chromium."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from preview.conftest import PATIENCE, Editor
from preview.publications import CONFIG, Running, make_publication, running, start, write_issue

expect.set_options(timeout=PATIENCE)
LONG = "\n\n".join(f"Paragraph number {number} of many." for number in range(80))


def test_a_saved_change_shows_and_everything_else_stays_where_it_was(editor: Editor) -> None:
    editor.add(LONG)
    expect(editor.email.get_by_text("Paragraph number 79 of many.")).to_be_attached()
    editor.in_frame("page => { page.scrollingElement.scrollTop = 700; page.body.dataset.same = 'yes' }")
    editor.file.write_text(editor.file.read_text().replace("Paragraph number 40 of many.", "A new paragraph."))
    expect(editor.email.get_by_text("A new paragraph.")).to_be_attached()
    expect(editor.email.get_by_text("Paragraph number 40 of many.")).not_to_be_attached()
    assert editor.in_frame("page => page.scrollingElement.scrollTop") == 700
    style = "page => [...page.querySelectorAll('p')].find(p => p.textContent === 'A new paragraph.').style.margin"
    assert editor.in_frame(style) == "0px 0px 18px"


def test_what_changed_glows_for_a_moment_and_nothing_else_does(editor: Editor) -> None:
    editor.page.evaluate("""() => { const view = document.querySelector('.pane iframe').contentWindow;
        window.glowed = [];
        const animate = view.Element.prototype.animate;
        view.Element.prototype.animate = function (...words) {
            window.glowed.push(this.textContent);
            return animate.apply(this, words); }; }""")
    editor.file.write_text(editor.file.read_text().replace("The first paragraph", "The very first paragraph"))
    expect(editor.email.get_by_text("The very first paragraph")).to_be_attached()
    glowed = [text for text in editor.page.evaluate("() => window.glowed") if "\u034f" not in text]
    assert len(glowed) == 1
    assert glowed[0].startswith("The very first paragraph")


def test_a_broken_file_shows_its_error_over_the_last_good_email_and_recovers_by_itself(editor: Editor) -> None:
    whole = editor.file.read_text()
    editor.file.write_text("---\nsubject: [one\n---\n\nText\n")
    banner = editor.page.locator("#banner")
    expect(banner).to_contain_text(f"issues/{editor.file.name}:2: subject")
    expect(banner.get_by_role("link")).to_have_attribute("href", f"vscode://file{editor.file}:2:1")
    expect(editor.email.get_by_text("The last paragraph")).to_be_attached()
    expect(editor.page.locator("#rows a[aria-current]")).to_contain_text("broken")
    editor.file.write_text(whole.replace("The last paragraph", "The mended paragraph"))
    expect(banner).to_be_hidden()
    expect(editor.email.get_by_text("The mended paragraph")).to_be_attached()


def test_a_new_issue_comes_into_the_list_and_a_deleted_one_leaves(editor: Editor) -> None:
    file = write_issue(editor.folder, "900-later.md", "Something later")
    row = editor.page.locator("#rows a", has_text="Something later")
    expect(row).to_be_visible()
    file.unlink()
    expect(row).to_have_count(0)


def test_glossary_snippets_configuration_and_theme_reload_too(editor: Editor) -> None:
    from newsletter.publication import builtin

    folder, email, banner = editor.folder, editor.email, editor.page.locator("#banner")
    (folder / "glossary.toml").write_text('paragraph = "A piece of a text."\n')
    expect(email.get_by_text("A piece of a text.")).to_be_attached()
    (folder / "glossary.toml").unlink()
    editor.add("\n\n{{ snippet: bye }}\n")
    expect(banner).to_contain_text(f'{editor.file.name}:15: the snippet "bye"')
    (folder / "snippets").mkdir()
    (folder / "snippets" / "bye.md").write_text("Until Friday.\n")
    expect(email.get_by_text("Until Friday.")).to_be_attached()
    (folder / "snippets" / "bye.md").write_text("Until Tuesday.\n")
    expect(email.get_by_text("Until Tuesday.")).to_be_attached()
    (folder / "newsletter.toml").write_text(CONFIG.replace("Plain Letters", "Other Letters"))
    expect(email.get_by_text("Other Letters").first).to_be_attached()
    expect(editor.page.locator("#brand")).to_have_text("Other Letters")
    theme = folder / "templates" / "default"
    theme.mkdir(parents=True)
    email_html = (builtin("templates") / "default" / "email.html").read_text()
    theme.joinpath("email.html").write_text(email_html.replace("</body>", "A line of the theme's own</body>"))
    expect(email.get_by_text("A line of the theme's own")).to_be_attached()
    theme.joinpath("email.html").write_text("{{ broken")
    expect(banner).to_contain_text("templates/default/email.html:1")
    (folder / "newsletter.toml").write_text("[publication]\nname = 1\n")
    expect(banner).to_contain_text("newsletter.toml:2")
    shutil.rmtree(folder / "templates")
    (folder / "newsletter.toml").write_text(CONFIG)
    expect(banner).to_be_hidden()


def test_a_page_that_was_frozen_shows_what_it_missed_as_soon_as_it_is_back(editor: Editor) -> None:
    session = editor.page.context.new_cdp_session(editor.page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    editor.add("\n\nWritten while it slept.\n")
    session.send("Page.setWebLifecycleState", {"state": "active"})
    expect(editor.email.get_by_text("Written while it slept.")).to_be_attached()


@pytest.mark.slow
def test_a_preview_that_was_started_again_is_found_by_the_page_that_was_left_open(
    chromium: Browser, tmp_path: Path
) -> None:
    folder = make_publication(tmp_path / "letters", ["One"])
    page = chromium.new_page()
    first = start(folder, "--port", "0")
    port = first.url.rstrip("/").rpartition(":")[2]
    page.goto(first.url)
    email = page.frame_locator(".pane iframe")
    expect(email.get_by_text("The first paragraph of One.")).to_be_attached()
    first.stop(signal.SIGKILL)
    expect(page.locator("#banner")).to_contain_text("The preview has stopped.")
    write_issue(folder, "001-one.md", "One", "\n\nWritten meanwhile.\n")
    again = start(folder, "--port", port)
    expect(email.get_by_text("Written meanwhile.")).to_be_attached()
    expect(page.locator("#banner")).to_be_hidden()
    page.close()
    again.stop()


@pytest.mark.slow
def test_what_changes_in_a_database_elsewhere_shows_within_seconds(
    chromium: Browser, postgres_url: str, tmp_path: Path
) -> None:
    from newsletter.cli.main import main

    folder = make_publication(tmp_path / "letters")
    (folder / "newsletter.toml").write_text(f'{CONFIG}\n[storage]\ndatabase_url = "{postgres_url}"\n')
    with running(folder) as preview:
        page = chromium.new_page()
        page.goto(f"{preview.url}#001-one.md")
        expect(page.locator("#side .sentence")).to_contain_text("It is not approved.")
        page.wait_for_timeout(3500)  # one pulse
        assert main(["-C", str(folder), "approve", "one"]) == 0
        expect(page.locator("#side .sentence")).to_contain_text("It is approved")
        page.close()


@pytest.mark.slow
def test_eight_tabs_all_show_what_is_saved(chromium: Browser, preview: Running) -> None:
    context = chromium.new_context()
    pages = [context.new_page() for _ in range(8)]
    for page in pages:
        page.goto(f"{preview.url}#001-one.md")
        expect(page.frame_locator(".pane iframe").get_by_text("The first paragraph of One.")).to_be_attached()
    write_issue(preview.folder, "001-one.md", "One", "\n\nSeen in every tab.\n")
    for page in pages:
        expect(page.frame_locator(".pane iframe").get_by_text("Seen in every tab.")).to_be_attached()
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [True, False])
def test_without_a_shared_worker_a_hidden_tab_closes_its_stream(
    chromium: Browser, preview: Running, hidden: bool
) -> None:
    context = chromium.new_context()
    context.add_init_script(f"""delete window.SharedWorker; window.opened = 0; window.shut = 0;
        const Real = window.EventSource;
        window.EventSource = class extends Real {{
            constructor(address) {{ super(address); window.opened++; }}
            close() {{ window.shut++; super.close(); }} }};
        window.away = {str(hidden).lower()};
        Object.defineProperty(document, 'hidden', {{ get: () => window.away }});""")
    page = context.new_page()
    page.goto(f"{preview.url}#002-two.md")
    expect(page.frame_locator(".pane iframe").get_by_text("The first paragraph of Two.")).to_be_attached()
    assert page.evaluate("() => window.opened") == (0 if hidden else 1)
    page.evaluate("() => { window.away = !window.away; document.dispatchEvent(new Event('visibilitychange')) }")
    assert page.evaluate("() => [window.opened, window.shut]") == ([1, 0] if hidden else [1, 1])
    context.close()
