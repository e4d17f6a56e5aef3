"""What stands inside a line: python-markdown's patterns with their gaps closed."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from newsletter.content.markdown.brackets import hide_hopeless

if TYPE_CHECKING:
    from markdown import Markdown

# A bare address ends at white space, a bracket or a full-width sign; what a sentence puts behind it is not part of it
# (GFM 6.9). In scripts without spaces a word may stand right before it.
_NOT_IN_URL = r"\s<>\"'`|\\^{}\x02\x03\u2018-\u201d\u3000-\u3020\uff00-\uffef"
BARE_URL = rf"(?<![A-Za-z0-9_/@.])((?:https?://|www\.)[^{_NOT_IN_URL}]*[^{_NOT_IN_URL}.,:;!?*_~\]])"
AUTOLINK = r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@:\\]+@[A-Za-z0-9.-]+)>"
STRIKE = r"(~~)(?![\s~])((?:[^~]|~(?!~))+)(?<!\s)~~(?!~)"


def balanced(url: str) -> str:
    """The address without the closing brackets at its end that were not opened in it (GFM 6.9)."""
    surplus = url.count(")") - url.count("(")
    while surplus > 0 and url.endswith(")"):
        url = url[:-1].rstrip(".,:;!?*_~")
        surplus -= 1
    return url


def install(engine: Markdown, angle: str, bracket: str, paren: str, too_deep: list[str]) -> None:
    """Put our patterns into `engine`. The three characters stand for `<`, `[` and `(` that are text.

    Texts in which links are nested too deep are added to `too_deep`.
    """
    from markdown.inlinepatterns import SimpleTagInlineProcessor, SubstituteTagInlineProcessor  # noqa: PLC0415

    patterns = engine.inlinePatterns
    engine.ESCAPED_CHARS = sorted({*string.punctuation, *engine.ESCAPED_CHARS, angle})
    patterns.deregister("autolink")
    patterns.deregister("automail")
    patterns.register(_autolink(engine), "autolink", 185)
    patterns.register(SubstituteTagInlineProcessor(r"\\\n", "br"), "backslash_break", 179)
    patterns.register(SimpleTagInlineProcessor(STRIKE, "del"), "strike", 50)
    patterns.register(_bare_url(engine), "bare_url", 85)
    _references(engine)
    engine.treeprocessors.register(_brackets(engine, bracket, paren, too_deep), "brackets", 25)


def _autolink(engine: Markdown) -> Any:
    from markdown.inlinepatterns import InlineProcessor  # noqa: PLC0415
    from markdown.util import AtomicString  # noqa: PLC0415

    class Autolink(InlineProcessor):
        """`<https://…>` and `<name@example.org>` (CommonMark 6.5)."""

        def handleMatch(self, m: re.Match[str], data: str) -> tuple[ElementTree.Element, int, int]:  # type: ignore[override] # noqa: N802
            del data
            link = ElementTree.Element("a", {"href": m[1] if ":" in m[1] else f"mailto:{m[1]}"})
            link.text = AtomicString(m[1])
            return link, m.start(), m.end()

    return Autolink(AUTOLINK, engine)


def _bare_url(engine: Markdown) -> Any:
    from markdown.inlinepatterns import InlineProcessor  # noqa: PLC0415

    class BareUrl(InlineProcessor):
        """Keeps emphasis out of a bare address; the link itself is made in the tree, where links are known."""

        def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override] # noqa: N802
            del data
            return m[1], m.start(1), m.end(1)

    return BareUrl(BARE_URL, engine)


def _brackets(engine: Markdown, bracket: str, paren: str, too_deep: list[str]) -> Any:
    from markdown.treeprocessors import Treeprocessor  # noqa: PLC0415
    from markdown.util import AtomicString  # noqa: PLC0415

    class Brackets(Treeprocessor):
        """Sets hopeless brackets aside in every text, before the inline patterns see it."""

        def run(self, root: ElementTree.Element) -> None:
            for element in root.iter():
                if element.text and not isinstance(element.text, AtomicString):
                    element.text = hide_hopeless(element.text, bracket, paren, too_deep.append)
                if element.tail and not isinstance(element.tail, AtomicString):
                    element.tail = hide_hopeless(element.tail, bracket, paren, too_deep.append)

    return Brackets(engine)


def _references(engine: Markdown) -> None:
    """References as in CommonMark 6.3: no space before `[id]`, and `[see [docs]]` may hold a link."""
    from markdown import inlinepatterns as theirs  # noqa: PLC0415

    adjacent = re.compile(r"\[([^\]]*)\]", re.DOTALL)

    def patient(kind: type[theirs.ReferenceInlineProcessor]) -> type[theirs.ReferenceInlineProcessor]:
        class Patient(kind):  # type: ignore[misc,valid-type]
            RE_LINK = adjacent

            def handleMatch(self, m: re.Match[str], data: str) -> Any:  # noqa: N802
                element, start, end = super().handleMatch(m, data)
                return (None, None, None) if element is None else (element, start, end)

        return Patient

    for name, kind, pattern, priority in (
        ("reference", theirs.ReferenceInlineProcessor, theirs.REFERENCE_RE, 170),
        ("image_reference", theirs.ImageReferenceInlineProcessor, theirs.IMAGE_REFERENCE_RE, 140),
        ("short_reference", theirs.ShortReferenceInlineProcessor, theirs.REFERENCE_RE, 130),
        ("short_image_ref", theirs.ShortImageReferenceInlineProcessor, theirs.IMAGE_REFERENCE_RE, 125),
    ):
        engine.inlinePatterns.register(patient(kind)(pattern, engine), name, priority)
