"""Each view of an issue, in a real Chromium."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from preview.conftest import PATIENCE, Editor

expect.set_options(timeout=PATIENCE)
BACKGROUND = "page => page.defaultView.getComputedStyle(page.querySelector('.sheet')).backgroundColor"


def choose(page: Page, name: str) -> None:
    """Press a segment of the first pane's bar."""
    page.locator(".bar").first.get_by_role("radio", name=name, exact=True).click()


def frame_size(editor: Editor) -> list[int]:
    return editor.page.evaluate(
        "() => { const f = document.querySelector('.pane iframe'); return [f.clientWidth, f.clientHeight] }"
    )


def test_the_email_at_a_width_is_that_wide_and_at_full_width_fills_its_place(editor: Editor) -> None:
    for width in ("375", "600"):
        choose(editor.page, width)
        expect(editor.page.locator(f".stage[data-width='{width}'] iframe")).to_be_attached()
        assert frame_size(editor)[0] == int(width)
        assert editor.in_frame("page => page.documentElement.clientWidth") in range(int(width) - 16, int(width) + 1)
    choose(editor.page, "Full")
    editor.page.wait_for_function("() => document.querySelector('.pane iframe').clientWidth > 700")


def test_in_the_dark_the_emails_own_dark_styles_hold_and_by_light_they_do_not(editor: Editor) -> None:
    editor.page.emulate_media(color_scheme="dark")
    assert editor.in_frame(BACKGROUND) == "rgb(255, 254, 251)"
    choose(editor.page, "Dark")
    expect(editor.page.locator(".stage[data-look=dark] iframe")).to_be_attached()
    expect(editor.email.get_by_text("The last paragraph")).to_be_attached()
    assert editor.in_frame(BACKGROUND) == "rgb(32, 31, 27)"
    editor.page.emulate_media(color_scheme="light")
    assert editor.in_frame(BACKGROUND) == "rgb(32, 31, 27)"


def test_inverted_turns_the_colours_over(editor: Editor) -> None:
    choose(editor.page, "Inverted")
    expect(editor.email.get_by_text("The last paragraph")).to_be_attached()
    assert "invert(1)" in editor.in_frame("page => page.defaultView.getComputedStyle(page.documentElement).filter")


def test_remote_images_are_held_until_they_are_asked_for(editor: Editor) -> None:
    asked: list[str] = []
    editor.page.route("https://img.example/**", lambda route: (asked.append(route.request.url), route.abort()))
    editor.add("\n\n![A cat asleep](https://img.example/cat.png)\n")
    image = editor.email.locator("img[alt='A cat asleep']")
    expect(image).to_be_attached()
    assert image.get_attribute("src") is None
    assert asked == []
    editor.page.locator(".bar select[data-key=images]").first.select_option("shown")
    expect(image).to_have_attribute("src", "https://img.example/cat.png")
    expect(editor.email.get_by_text("The last paragraph")).to_be_attached()
    assert asked == ["https://img.example/cat.png"]


def test_the_plain_text_is_the_text_part_and_the_web_page_has_its_sign_up_box(editor: Editor) -> None:
    choose(editor.page, "Text")
    expect(editor.email.locator("body")).to_contain_text("Hello Ada Sample,")
    expect(editor.email.locator("body")).to_contain_text("https://example.org/page")
    assert editor.in_frame("page => page.querySelectorAll('a, table, p').length") == 0
    choose(editor.page, "Web page")
    expect(editor.email.get_by_role("button", name="Sign up")).to_be_attached()


def test_the_sources_are_shown_in_letters(editor: Editor) -> None:
    for view, text in (
        ("HTML", "<!DOCTYPE html>"),
        ("Message", "Content-Type: multipart/alternative"),
        ("Headers", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
    ):
        choose(editor.page, view)
        expect(editor.page.locator(".source")).to_contain_text(text)
    editor.file.write_text(editor.file.read_text().replace("subject: ", "subject: New "))
    expect(editor.page.locator(".source")).to_contain_text("Subject: New Letter")


def test_the_inbox_shows_sender_subject_and_preheader_by_day_and_by_night(editor: Editor) -> None:
    choose(editor.page, "Inbox")
    rows = editor.page.locator(".inbox .row")
    expect(rows).to_have_count(3)
    for index in range(3):
        expect(rows.nth(index)).to_contain_text("Plain Letters")
        expect(rows.nth(index)).to_contain_text("A line for the inbox")
    editor.file.write_text(re.sub("subject: .*", "subject: Another subject", editor.file.read_text()))
    expect(rows.first).to_contain_text("Another subject")
    choose(editor.page, "Dark")
    expect(editor.page.locator(".inbox.night")).to_be_visible()


def test_as_another_reader_the_merge_tags_change(editor: Editor) -> None:
    editor.page.keyboard.press("r")
    editor.page.locator("#choices li", has_text="a reader without a name").click()
    expect(editor.email.get_by_text("Hello there,")).to_be_attached()
    editor.page.keyboard.press("r")
    editor.page.locator("#choices li", has_text="a name with signs").click()
    expect(editor.email.get_by_text("Hello Zoë “Zed” O’Brien ‹＆ Sons›,")).to_be_attached()


def test_right_to_left_turns_the_email_round(editor: Editor) -> None:
    editor.page.keyboard.press("x")
    expect(editor.email.locator("html[dir=rtl]")).to_be_attached()
    expect(editor.email.locator(".sheet[dir=rtl], div[dir=rtl]").first).to_be_attached()
    editor.page.keyboard.press("x")
    expect(editor.email.locator("html[dir=ltr]")).to_be_attached()


def test_two_views_stand_side_by_side_and_both_live(editor: Editor) -> None:
    editor.page.keyboard.press("s")
    frames = editor.page.locator(".pane iframe")
    expect(frames).to_have_count(2)
    editor.add("\n\nIn both of them.\n")
    for index in range(2):
        expect(frames.nth(index).content_frame.get_by_text("In both of them.")).to_be_attached()


def test_a_finding_leads_to_its_place_in_the_email(editor: Editor) -> None:
    editor.add("\n\n" + "\n\n".join(f"Line {n}." for n in range(60)) + "\n\nHere is a TODO to be done.\n")
    expect(editor.email.get_by_text("Here is a TODO")).to_be_attached()
    editor.side(".finding").filter(has_text="TODO").click()
    place = """page => {
        const place = [...page.querySelectorAll('p')].find(p => p.textContent.includes('TODO')).getBoundingClientRect();
        return place.top > 0 && place.bottom < page.documentElement.clientHeight }"""
    assert editor.in_frame(place)
    link = editor.side(".findings .place a").first
    expect(link).to_have_attribute("href", re.compile(rf"^vscode://file{re.escape(str(editor.file))}:\d+:\d+$"))


def test_size_links_outline_and_clients_are_beside_it(editor: Editor) -> None:
    for tab, text in (
        ("Links", "https://example.org/page"),
        ("Size", "of 102 KB"),
        ("Reading", "A heading"),
        ("Clients", "border-radius"),
    ):
        editor.page.get_by_role("tab", name=tab).click()
        expect(editor.side("#panel")).to_contain_text(text)
