"""Markdown -> harmless HTML, with what was noticed on the way."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newsletter.content.markdown.blocks import MAX_DEPTH, MAX_LINE, Normaliser
from newsletter.content.markdown.html import clean, hide_text_angles, removed
from newsletter.finding import Finding, Severity

if TYPE_CHECKING:
    from markdown import Markdown

EXTENSIONS = ("abbr", "admonition", "def_list", "footnotes", "sane_lists", "tables")
# Everything that ends at white space or a bracket; what a sentence puts after an address is not part of it (GFM 6.9).
BARE_URL = r"(?<![\w/@.])((?:https?://|www\.)[^\s<>\"'`|\\^{}\x02\x03]*[^\s<>\"'`|\\^{}\x02\x03.,:;!?*_~)\]])"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@dataclass(frozen=True)
class Html:
    """A Markdown text as HTML, and findings about it."""

    html: str
    findings: tuple[Finding, ...] = ()


def to_html(source: str, file: str = "", first_line: int = 1) -> Html:
    """`source` as HTML with every element closed and nothing harmful in it.

    `file` and `first_line` (1-based: where `source` starts in the file) are for the findings: nesting that was
    flattened, lines too long for Markdown, HTML that was taken out.
    """
    text, angle = hide_text_angles(_CONTROL.sub("", source.replace("\r\n", "\n").replace("\r", "\n")))
    engine, blocks = _engine()
    raw = _convert(engine, text).replace(angle, "&lt;")
    findings = [_limit("nesting-too-deep", line, file, first_line) for line in blocks.too_deep[:1]]
    findings += [_limit("line-too-long", line, file, first_line) for line in blocks.too_long]
    findings += _removals(raw, source, file, first_line)
    return Html(clean(raw), tuple(findings))


def _convert(engine: Markdown, text: str) -> str:
    """python-markdown's work, with room on the stack for the nesting that `MAX_DEPTH` allows."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 5000))
    try:
        return engine.convert(text)
    finally:
        sys.setrecursionlimit(limit)


def _engine() -> tuple[Markdown, Normaliser]:
    """python-markdown set up for one text, and the block reader that is built into it."""
    from markdown import Markdown  # noqa: PLC0415
    from markdown.inlinepatterns import SimpleTagInlineProcessor  # noqa: PLC0415

    engine = Markdown(
        extensions=list(EXTENSIONS),
        extension_configs={"footnotes": {"BACKLINK_TEXT": "↩"}},
        output_format="html",
    )
    normaliser = Normaliser(stash=engine.htmlStash.store)
    engine.preprocessors.deregister("html_block")
    engine.preprocessors.register(_preprocessor(engine, normaliser), "blocks", 20)
    engine.inlinePatterns.register(SimpleTagInlineProcessor(r"(~~)(?![\s~])(.+?)(?<![\s~])~~", "del"), "strike", 50)
    engine.inlinePatterns.register(_bare_url(engine), "bare_url", 85)
    return engine, normaliser


def _preprocessor(engine: Markdown, normaliser: Normaliser) -> Any:
    from markdown.preprocessors import Preprocessor  # noqa: PLC0415

    class Blocks(Preprocessor):
        def run(self, lines: list[str]) -> list[str]:
            return normaliser.run(lines)

    return Blocks(engine)


def _bare_url(engine: Markdown) -> Any:
    """Keeps emphasis out of a bare address; the link itself is made in the tree, where links are known."""
    from markdown.inlinepatterns import InlineProcessor  # noqa: PLC0415

    class BareUrl(InlineProcessor):
        def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override] # noqa: N802
            del data
            return m[1], m.start(1), m.end(1)

    return BareUrl(BARE_URL, engine)


def _limit(rule: str, line: int, file: str, first_line: int) -> Finding:
    messages = {
        "nesting-too-deep": (
            f"lists or quotes nested deeper than {MAX_DEPTH} levels were flattened",
            "nest less deeply",
        ),
        "line-too-long": (f"a line of more than {MAX_LINE} characters is shown without its Markdown", "break the line"),
    }
    message, fix = messages[rule]
    return Finding(rule, Severity.WARNING, message, file, first_line + line, fix=fix)


def _removals(raw: str, source: str, file: str, first_line: int) -> list[Finding]:
    """One finding for each kind of thing that `clean` takes out of `raw`, at its first place in `source`."""
    findings, seen = [], set()
    for kind, name in removed(raw):
        if (kind, name) in seen:
            continue
        seen.add((kind, name))
        pattern = {"element": rf"<{re.escape(name)}\b", "attribute": rf"\b{re.escape(name)}\s*=", "address": name}[kind]
        found = re.search(pattern, source, re.IGNORECASE)
        line = first_line + source.count("\n", 0, found.start()) if found else None
        shown = {"element": f"<{name}>", "attribute": f"{name}=", "address": f"{name}:"}[kind]
        message = f"{shown} was taken out: no mail program lets it work"
        fix = "it was replaced by a link" if name == "iframe" else "take it out, or say it in Markdown"
        findings.append(Finding("html-removed", Severity.WARNING, message, file, line, fix=fix))
    return findings
