"""What a theme cannot do to an issue's body: words in its language, the glossary's pop-ups, data for search engines."""

from __future__ import annotations

import copy
import json
from typing import Any

from lxml import html

from newsletter.content.issue import Issue
from newsletter.render.site import Site
from newsletter.render.words import Words

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def finish(root: html.HtmlElement, words: Words, direction: str) -> html.HtmlElement:
    """`root`, in place, with the words that the program puts into an issue, and a class for each diagram's width.

    Code runs from left to right, whatever the `direction` of the text around it.
    """
    if direction == "rtl":
        for code in root.iter("pre", "code", "kbd", "samp"):
            code.set("dir", code.get("dir", "ltr"))
    _close_ranks(root)
    for figure in root.iter("figure"):
        if width := figure.get("data-columns"):
            figure.set("class", f"{figure.get('class', '')} w{width}".strip())
    for link in root.iter("a"):
        if link.get("class") == "more" and not link.text:
            link.text = words("Learn more →")
        elif "footnote-backref" in link.get("class", ""):
            link.attrib.pop("title", None)
            link.text = "↪" if direction == "rtl" else link.text
            link.set("aria-label", words("Back to the text"))
    for title in root.iter("p"):
        kind = title.getparent().get("class", "").removeprefix("admonition").strip()
        if title.get("class") == "admonition-title" and title.text == kind.capitalize():
            title.text = words(title.text)
    return root


def _close_ranks(root: html.HtmlElement) -> None:
    """Headings that start below the title and never skip a level on the way down (WCAG 1.3.1, technique G141)."""
    above: list[int] = []  # the levels, as they were typed, of the headings that the next one may stand below
    for heading in root.iter(*_HEADINGS):
        level = int(heading.tag[1])
        while above and above[-1] >= level:
            above.pop()
        above.append(level)
        heading.tag = f"h{min(6, len(above) + 1)}"


def for_web(root: html.HtmlElement) -> html.HtmlElement:
    """A copy of `root` as a browser can do more with it: pop-ups for terms, wide things that a keyboard can scroll."""
    page = copy.deepcopy(root)
    for wide in [*page.iter("pre"), *page.find_class("table")]:
        if wide.tag != "table" and wide.getparent().tag != "figure":
            wide.set("tabindex", "0")
    _pop_up(page)
    return page


def _pop_up(page: html.HtmlElement) -> None:
    """Make each glossary term open its definition, without a script (HTML, the popover attribute).

    A definition stays where it is: a browser that knows no pop-ups shows it there.
    """
    terms = [term for term in page.find_class("term") if term.tag == "span"]
    definitions = [line for note in page.find_class("note") if note.get("role") == "note" for line in note]
    if len(terms) != len(definitions):  # an author used our class for something else
        return
    for number, (term, definition) in enumerate(zip(terms, definitions, strict=True), start=1):
        term.tag = "button"
        term.attrib.update({"type": "button", "popovertarget": f"term-{number}"})
        note = definition.getparent()
        pop_up = html.Element("aside", {"class": "note", "role": "note", "id": f"term-{number}", "popover": "auto"})
        note.addprevious(pop_up)
        pop_up.append(definition)
        if not len(note):
            note.drop_tree()


def structured_data(issue: Issue, site: Site, title: str, description: str, minutes: int) -> str:
    """The issue as JSON-LD (schema.org, Article), safe to stand in a script element."""
    publisher = {"@type": "Organization", "name": site.name, "url": f"{site.base_url}/"}
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": title,
        "description": description,
        "url": site.page_of(issue.slug),
        "mainEntityOfPage": site.page_of(issue.slug),
        "inLanguage": issue.language or site.language,
        "timeRequired": f"PT{minutes}M",
        "isAccessibleForFree": True,
        "publisher": publisher,
        "author": {"@type": "Person", "name": issue.author} if issue.author else publisher,
    }
    if issue.date:
        data["datePublished"] = issue.date.isoformat()
    if issue.tags:
        data["keywords"] = list(issue.tags)
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
