"""An author's `<style>`: its rules are written into the issue's own elements, so that they reach nothing else.

Mail programs drop a `<style>` or rename its classes, and on the web page it would reach the theme. Written into `style`
attributes, what is harmless in it works everywhere. What cannot be (`@media`, states such as `:hover`) or may not
(addresses, properties that cover or move things) is left out and told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from lxml import html

from newsletter.content.markdown.html import PROPERTIES

MAX_RULES = 200
_STYLE = re.compile(r"<style\b[^<>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_RULE = re.compile(r"\s*([^{};]*)(?:\{([^{}]*)\}|;|(\{))", re.DOTALL)
_STATE = re.compile(r"::|:(?:hover|focus|active|visited|link|target|root|before|after|checked|first-l)", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*([a-zA-Z-]+)\s*:\s*(.+?)\s*(?:!\s*important)?\s*", re.DOTALL | re.IGNORECASE)
# What loads, runs or hides something: addresses, scripts of old browsers, escapes, custom properties, HTML.
_HARMFUL = re.compile(r"url\s*\(|expression|javascript|@|\\|<|&|var\s*\(|image-set", re.IGNORECASE)


@dataclass(frozen=True)
class _Rule:
    selector: str
    style: str


def take_out(markup: str) -> tuple[str, str]:
    """`markup` without its `<style>` elements, and what stood in them."""
    found = [match[1] for match in _STYLE.finditer(markup)]
    return (_STYLE.sub("", markup), "\n".join(found)) if found else (markup, "")


def apply(root: html.HtmlElement, css: str) -> list[str]:
    """Write the rules of `css` into the `style` attributes below `root`, in place; what had to be left out.

    An element's own style weighs more than a rule, a rule more than one that is less specific or stands before it.
    """
    from cssselect import SelectorError, parse  # noqa: PLC0415
    from lxml.cssselect import CSSSelector  # noqa: PLC0415

    left_out: list[str] = []
    weighed = []
    for number, rule in enumerate(_rules(css, left_out)):
        try:
            for one in parse(rule.selector):
                CSSSelector(one.canonical())
                weighed.append((one.specificity(), number, one.canonical(), rule.style))
        except (SelectorError, SyntaxError):
            left_out.append(rule.selector)
    for _, _, selector, style in sorted(weighed, key=lambda each: each[:2], reverse=True):
        for element in root.cssselect(selector):
            if element is not root:  # the weightiest first, each before what is there
                element.set("style", "; ".join(filter(None, [style, element.get("style", "")])))
    return left_out


def _rules(css: str, left_out: list[str]) -> list[_Rule]:
    """The rules that may be kept; what is left out is added to `left_out`."""
    text, found, position = _COMMENT.sub("", css), list[_Rule](), 0
    while match := _RULE.match(text, position):
        head = " ".join(match[1].split())
        position = match.end()
        if head.startswith("@") or match[3]:
            left_out.append(head or "{")
            position = _end_of(text, position) if match[3] else position
        elif head and _STATE.search(head):
            left_out.append(head)
        elif head and match[2] is not None and (style := _harmless(match[2], left_out)):
            found.append(_Rule(head, style))
    if len(found) > MAX_RULES:
        left_out.append(f"all but the first {MAX_RULES} rules")
    return list(islice(found, MAX_RULES))


def _end_of(text: str, position: int) -> int:
    """Behind the `}` that closes what was opened before `position`."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, position):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return match.end()
    return len(text)


def _harmless(declarations: str, left_out: list[str]) -> str:
    kept = []
    for declaration in filter(str.strip, declarations.split(";")):
        match = _DECLARATION.fullmatch(declaration)
        if match and match[1].lower() in PROPERTIES and not _HARMFUL.search(match[2]):
            kept.append(f"{match[1].lower()}: {' '.join(match[2].split())}")
        else:
            left_out.append(" ".join(declaration.split()))
    return "; ".join(kept)
