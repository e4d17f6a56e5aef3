"""From a whole page of HTML to the HTML of an email: styles inlined, what no client needs taken out, lines folded."""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree, html

from newsletter.render import stylesheet

_HIDDEN_END = "<!--\n-->"
LONGEST_LINE = 900  # bytes; RFC 5321 section 4.5.3.1.6 allows 998, and a variable's value still has to fit
_CLASS_IN_CSS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
# What may not be cut: raw text elements, comments, names and single attributes of tags, words, signs with their marks.
_UNITS = re.compile(
    r"""<(?:style|title)\b.*?</(?:style|title)>|<!--.*?-->|</?[^\s>]+|\s+[^\s=>"']+="[^"]*"|\s*/?>"""
    r"""|&[#\w]+;|[A-Za-z0-9{}_]+|[^\S\n]|\n|.[\u0300-\u036f\u0e31-\u0e4e\u200d\ufe0e\ufe0f]*""",
    re.DOTALL,
)
# A line that needs no look at its units: it starts and ends outside of tags, comments, raw text and `<pre>` tags.
_PLAIN_LINE = re.compile(r"(?:[^<>\n]++|</?(?!(?i:pre|style|title)\b)[A-Za-z][^<>\n]*>)*+\n")


def inline(page: str, css: str) -> str:
    """`page` (a whole HTML document) with the rules of `css` in its `style` attributes.

    Its own `<style data-premailer="ignore">` is for media queries and stays where it is; classes that it does not name
    are taken out afterwards, since they would only cost bytes. Equal input gives equal bytes.
    """
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    tree = html.document_fromstring(page.encode(), parser=parser).getroottree()
    stylesheet.apply(tree.getroot(), css)
    _minimise(tree.getroot())
    text = etree.tostring(tree, method="html", encoding="unicode")
    return fold(text)


def _minimise(root: html.HtmlElement) -> None:
    kept = {name for style in root.iter("style") for name in _CLASS_IN_CSS.findall(style.text or "")}
    tight = lru_cache(maxsize=None)(_without_spaces)
    targets = {href[1:] for link in root.iter("a") if (href := link.get("href") or "").startswith("#")}
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        _keep_classes(element, kept)
        if element.get("id") not in targets:
            element.attrib.pop("id", None)
        element.attrib.pop("data-columns", None)
        if style := element.get("style"):
            element.set("style", tight(style))


def _without_spaces(style: str) -> str:
    return re.sub(r"\s*([:;,])\s*", r"\1", style).strip(";")


def _keep_classes(element: html.HtmlElement, kept: set[str]) -> None:
    names = [name for name in (element.get("class") or "").split() if name in kept]
    if names:
        element.set("class", " ".join(names))
    else:
        element.attrib.pop("class", None)


def fold(text: str, limit: int = LONGEST_LINE) -> str:
    """`text`, as lxml writes HTML, with no line of more than `limit` bytes wherever a line end can hide.

    Between attributes, and at spaces outside `<pre>`, a line end is as good as a space; elsewhere an empty comment
    takes it. Only a single attribute, comment or word that is longer stays whole.
    """
    if all(len(line.encode()) <= limit for line in text.split("\n")):
        return text
    out, column, pre, in_tag, position = list[str](), 0, False, False, 0
    room = limit - len(_HIDDEN_END)
    while position < len(text):
        line = None if column or in_tag else _PLAIN_LINE.match(text, position, position + room)
        if line and len(line[0].encode()) <= room:
            out.append(line[0])
            position = line.end()
            continue
        match = _UNITS.match(text, position)
        assert match  # noqa: S101 - the last alternative is any sign
        unit, position = match[0], match.end()
        if column and column + len(unit.split("\n", 1)[0].encode()) > room:
            hidden = not in_tag and (pre or unit[0] not in " \t")
            out.append(_HIDDEN_END if hidden else "\n")
            unit, column = (unit if hidden else unit.lstrip(" \t\n")), len("-->")
            if not unit:
                continue
        out.append(unit)
        column = len(unit.rsplit("\n", 1)[1].encode()) if "\n" in unit else column + len(unit.encode())
        if not in_tag and unit[0] == "<" and unit[-1] != ">":
            in_tag, pre = True, unit.lower() == "<pre" or (pre and unit.lower() != "</pre")
        elif in_tag and unit[-1] == ">":
            in_tag = False
    return "".join(out)
