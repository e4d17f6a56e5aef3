"""A style sheet read once and put into many pages: premailer's result, without its reading the sheet for each page.

Nine tenths of premailer's time go into cssutils, parsing the same rules and writing the same values. Its own cache has
128 places for sheets, selectors and declarations together, fewer than one theme needs. Here premailer reads a sheet
once, and what it makes of it is kept by the sheet's text; tests/render/test_stylesheet.py compares the bytes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from lxml import etree, html

if TYPE_CHECKING:
    from premailer import Premailer

_Pairs = Sequence[tuple[str, str]]
_Select = Callable[["_Index"], Any]
_Rule = tuple[_Select, _Pairs]  # what finds its elements, and what it sets


def apply(root: html.HtmlElement, css: str) -> None:
    """Put the rules of `css` into the `style` attributes at and below `root`, in place, as premailer would.

    A `<style data-premailer="ignore">` stays as it is; a page with any other style element is left to premailer.
    """
    styles = list(root.iter("style"))
    if any(style.get("media") or style.get("data-premailer") != "ignore" for style in styles):
        premailer(css).transform(root)
        return
    for style in styles:
        del style.attrib["data-premailer"]
    rules, merge = _rules(css), lru_cache(maxsize=None)(_merge)
    for element, pairs in _matches(root, rules).items():
        if merged := merge(element.get("style", ""), pairs, css):
            element.set("style", merged)


def premailer(css: str) -> Premailer:
    """premailer itself, set up as all emails are made."""
    from premailer import Premailer  # noqa: PLC0415 - 400 ms

    return Premailer(
        css_text=css,
        allow_network=False,
        cssutils_logging_level=100,
        disable_leftover_css=True,
        disable_validation=True,
        keep_style_tags=False,
        strip_important=False,
        align_floating_images=False,
        disable_basic_attributes=["align", "bgcolor", "height", "valign", "width"],
    )


def _matches(root: html.HtmlElement, rules: Sequence[_Rule]) -> dict[html.HtmlElement, tuple[int, ...]]:
    """The elements that any rule is for, each with the numbers of its rules, the weightiest last."""
    found: dict[html.HtmlElement, tuple[int, ...]] = {}
    index = _Index.of(root)
    for number, (select, _) in enumerate(rules):
        for element in select(index):
            found[element] = (*found.get(element, ()), number)
    return found


@dataclass(frozen=True)
class _Index:
    """A page's elements by tag and by class, so that a plain selector need not look through all of them."""

    root: html.HtmlElement
    tags: dict[str, list[html.HtmlElement]]
    classes: dict[str, list[html.HtmlElement]]

    @classmethod
    def of(cls, root: html.HtmlElement) -> _Index:
        tags: defaultdict[str, list[html.HtmlElement]] = defaultdict(list)
        classes: defaultdict[str, list[html.HtmlElement]] = defaultdict(list)
        for element in root.iter(etree.Element):
            tags[str(element.tag)].append(element)
            for name in set((element.get("class") or "").split()):
                classes[name].append(element)
        return cls(root, dict(tags), dict(classes))


def _selector(selector: str) -> _Select:
    """What finds the elements that `selector` is for: a look into the index for `p` and `.note`, else XPath."""
    from lxml.cssselect import CSSSelector  # noqa: PLC0415

    if re.fullmatch(r"[a-z][a-z0-9]*", selector):
        return lambda index: index.tags.get(selector, ())
    if re.fullmatch(r"\.[a-z][\w-]*", selector):
        return lambda index: index.classes.get(selector[1:], ())
    compiled = CSSSelector(selector)
    return lambda index: compiled(index.root)


def _merge(written: str, numbers: tuple[int, ...], css: str) -> str:
    """The style of an element that has the style `written` of its own, which outweighs the rules."""
    from premailer.merge_style import csstext_to_pairs, merge_styles  # noqa: PLC0415

    styles = [_rules(css)[number][1] for number in numbers]
    if written:
        styles.append(csstext_to_pairs(written, validate=True))
    return str(merge_styles("", styles, [""] * len(styles), remove_unset_properties=True))


@lru_cache(maxsize=8)
def _rules(css: str) -> tuple[_Rule, ...]:
    """The rules of a sheet that can be inlined, in the order in which they are applied.

    premailer lets no selector through whose state would have to be kept (`:hover`), so a selector is all there is.
    """
    from premailer.merge_style import csstext_to_pairs  # noqa: PLC0415

    found: list[tuple[Any, str, str]] = premailer("")._parse_style_rules(css, 0)[0]
    found.sort(key=itemgetter(0))
    return tuple((_selector(selector), csstext_to_pairs(style, validate=False)) for _, selector, style in found)
