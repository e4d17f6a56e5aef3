"""Rules about links: that they lead somewhere, and say where."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from urllib.parse import unquote

from newsletter.check.addresses import absolute, file_of, is_insecure, is_local, is_relative
from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.check.source import Link, plain
from newsletter.finding import Severity

GROUP = "links"
_ISSUE_FILES = (".md", ".markdown")
# WCAG 2.4.4 and its failure F84; what stands here tells nothing to who reads a list of links.
_VAGUE = frozenset(
    "click here|click|here|tap here|link|this link|this|more|read more|read it here|see here|hier|ici|aquí".split("|")
)


def _links(inspection: Inspection) -> Iterator[Link]:
    return (link for link in inspection.links if not link.image)


@rule(
    "link-relative", GROUP, Severity.ERROR, "A link that is relative",
    why="An email has no page that an address could be relative to: where the link leads is a guess.",
    source="RFC 3986, section 5.1: without a base, only an absolute address has a meaning",
    fix="write the whole address, with https://",
)  # fmt: skip
def link_relative(inspection: Inspection) -> Iterator[Hit]:
    reported, places = set(), set()
    for link in _links(inspection):
        path = file_of(link.target)
        if not is_relative(link.target) or link.bare:  # a bare www.… gets its https:// from us
            continue
        reported.add(unquote(link.target))
        if link.at not in places and not path.endswith(_ISSUE_FILES) and not inspection.knows(path):
            places.add(link.at)
            fix = f"write the whole address: {absolute(link.target, inspection.page)}"
            yield Hit(f'"{link.target}" is no whole address', *inspection.at(link.at), fix)
    for target in dict.fromkeys(map(str, inspection.tree.xpath("//a/@href"))):
        if is_relative(target) and (unquote(target) not in reported or inspection.knows(file_of(target))):
            yield Hit(f'the rendered email has the link "{target}", which leads nowhere')


@rule(
    "link-issue-unknown", GROUP, Severity.ERROR, "A link to an issue that does not exist",
    why="Links to the file of another issue become links to its page; this one has none.",
    source="our own: the files in issues/",
    fix="name a file in issues/",
)  # fmt: skip
def link_issue_unknown(inspection: Inspection) -> Iterator[Hit]:
    for link in _links(inspection):
        path = file_of(link.target)
        if is_relative(link.target) and path.endswith(_ISSUE_FILES) and not inspection.knows(path):
            near = difflib.get_close_matches(path, inspection.names, n=1)
            fix = f'did you mean "{near[0]}"?' if near else ""
            yield Hit(f'"{path}" is no issue of this publication', *inspection.at(link.at), fix)


@rule(
    "link-empty", GROUP, Severity.ERROR, "A link without address",
    why="It looks like a link and does nothing.",
    source="RFC 3986, section 4.4: an empty address means the document itself",
    fix="fill in the address, or take the brackets away",
)  # fmt: skip
def link_empty(inspection: Inspection) -> Iterator[Hit]:
    for link in inspection.links:
        if link.target.strip() in ("", "#"):
            message = "the image has no address" if link.image else f'the link "{plain(link.text)[:60]}" has no address'
            yield Hit(message, *inspection.at(link.start))


@rule(
    "link-anchor-missing", GROUP, Severity.WARNING, "A link to a place that the issue does not have",
    why="Nothing happens when a reader follows it.",
    source="the ids of the rendered email; a heading's id is its text in small letters with hyphens",
    fix="name the heading that is meant",
)  # fmt: skip
def link_anchor_missing(inspection: Inspection) -> Iterator[Hit]:
    for link in _links(inspection):
        name = unquote(link.target.strip()[1:])
        if link.target.strip().startswith("#") and name and name not in inspection.ids:
            near = difflib.get_close_matches(name, sorted(inspection.ids), n=1)
            fix = f'did you mean "#{near[0]}"?' if near else ""
            yield Hit(f'nothing in the issue is called "#{name}"', *inspection.at(link.at), fix)


@rule(
    "link-local", GROUP, Severity.WARNING, "A link to the author's own machine or network",
    why="Readers cannot reach it.",
    source="RFC 6761, section 6.3 (localhost); RFC 1918 (private networks)",
    fix="link to the public page, or show the address as `code`",
)  # fmt: skip
def link_local(inspection: Inspection) -> Iterator[Hit]:
    for link in inspection.links:
        if is_local(link.target) and not link.bare:
            yield Hit(f'"{link.target[:80]}" is not on the public web', *inspection.at(link.at))


@rule(
    "link-insecure", GROUP, Severity.INFO, "An address with http:",
    why="Anybody on the way can read and change what the reader gets, and mail programs may not load such images.",
    source="RFC 9110, section 4.2.2 (https); W3C, Mixed Content",
    fix="use https:// where the site answers to it",
)  # fmt: skip
def link_insecure(inspection: Inspection) -> Iterator[Hit]:
    places = set()
    for link in inspection.links:
        if is_insecure(link.target) and link.at not in places:
            places.add(link.at)
            yield Hit(f'"{link.target[:80]}" is not encrypted', *inspection.at(link.at))


@rule(
    "link-text-empty", GROUP, Severity.WARNING, "A link without text",
    why="Nobody can see it, and a screen reader reads out its address.",
    source="WCAG 2.2, success criterion 2.4.4 (A), failure F89",
    fix="say between the brackets where the link leads; in a linked image, describe the image",
)  # fmt: skip
def link_text_empty(inspection: Inspection) -> Iterator[Hit]:
    for link in _links(inspection):
        if not plain(link.text):
            yield Hit(f'the link to "{link.target[:80]}" has no text', *inspection.at(link.start))


@rule(
    "link-text-vague", GROUP, Severity.WARNING, "A link that does not say where it leads",
    why="Readers skim links, and screen readers list them without the text around: “click here” says nothing.",
    source="WCAG 2.2, success criterion 2.4.4 (A); failure F84",
    fix="make the words that name the target the link",
)  # fmt: skip
def link_text_vague(inspection: Inspection) -> Iterator[Hit]:
    for link in _links(inspection):
        text = plain(link.text)
        if text.strip(" .,:;!?…→»>()[]").casefold() in _VAGUE:
            yield Hit(f'the link says only "{text}"', *inspection.at(link.start))


RULES = (
    link_relative, link_issue_unknown, link_empty, link_anchor_missing, link_local, link_insecure, link_text_empty,
    link_text_vague,
)  # fmt: skip
