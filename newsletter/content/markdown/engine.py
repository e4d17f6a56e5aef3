"""Markdown -> harmless HTML, with what was noticed on the way."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newsletter.content.markdown import author_css
from newsletter.content.markdown.blocks import MAX_DEPTH, MAX_LINE, Normaliser
from newsletter.content.markdown.brackets import MAX_HEIGHT
from newsletter.content.markdown.html import (
    MAX_NESTING,
    clean,
    hide_text_angles,
    removed,
    too_deep,
    unused_characters,
)
from newsletter.content.markdown.inline import install
from newsletter.content.markdown.lines import MAX_COLUMNS
from newsletter.finding import Finding, Severity

if TYPE_CHECKING:
    from markdown import Markdown

EXTENSIONS = ("abbr", "admonition", "def_list", "sane_lists", "tables")
# python-markdown looks for each abbreviation at each character.
MAX_ABBREVIATIONS = 200
_LINKED = "a link to its address stands in its place"
_STILL = "a link stands in its place, of YouTube with a still; for one of your own: [![What it shows](still.jpg)](…)"
_FIXES = {"iframe": _STILL, "video": _STILL, "audio": _LINKED, "embed": _LINKED}
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^\n]{1,1000}?(?<!`)\1(?!`)")
_ABBREVIATION = re.compile(r"^ {0,3}\*\[[^\]\n]+\]:", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@dataclass(frozen=True)
class Html:
    """A Markdown text as HTML, findings about it, and the rules of the author's `<style>` elements."""

    html: str
    findings: tuple[Finding, ...] = ()
    css: str = ""


def to_html(source: str, file: str = "", first_line: int = 1) -> Html:
    """`source` as HTML with every element closed and nothing harmful in it.

    `file` and `first_line` (1-based: where `source` starts in the file) are for the findings: nesting that was
    flattened, lines too long for Markdown, HTML that was taken out.
    """
    text = _CONTROL.sub("", source.replace("\r\n", "\n").replace("\r", "\n"))
    angle, bracket, paren = tuple(unused_characters(text, 3))
    deep_links: list[str] = []
    engine, blocks = _engine(angle, bracket, paren, deep_links)
    raw = _convert(engine, hide_text_angles(text, angle))
    raw, css = author_css.take_out(raw.replace(angle, "&lt;").replace(bracket, "[").replace(paren, "("))
    findings = [_limit("blocks", line, file, first_line) for line in blocks.too_deep[:1]]
    findings += [_limit("line", line, file, first_line) for line in blocks.too_long]
    findings += [_limit("table", line, file, first_line) for line in blocks.too_wide]
    searched = "\n".join("" if number in blocks.code else line for number, line in enumerate(text.split("\n")))
    prose = _CODE_SPAN.sub(_blank, searched)
    findings += _quiet_limits(raw, prose, deep_links, file, first_line)
    findings += _removals(raw, prose, file, first_line)
    return Html(_CONTROL.sub("", clean(raw)), tuple(findings), css)  # `&#2;` is one too


def _convert(engine: Markdown, text: str) -> str:
    """python-markdown's work, with room on the stack for the nesting that `MAX_DEPTH` allows."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 5000))
    try:
        return engine.convert(text)
    finally:
        sys.setrecursionlimit(limit)


def _engine(angle: str, bracket: str, paren: str, deep_links: list[str]) -> tuple[Markdown, Normaliser]:
    """python-markdown set up for one text, and the block reader that is built into it.

    Texts with links that are nested too deep are added to `deep_links`.
    """
    from markdown import Markdown  # noqa: PLC0415

    engine = Markdown(
        extensions=[*EXTENSIONS, _footnotes()],
        output_format="html",
    )
    normaliser = Normaliser(stash=engine.htmlStash.store)
    engine.preprocessors.deregister("html_block")
    engine.preprocessors.register(_preprocessor(engine, normaliser), "blocks", 20)
    engine.parser.blockprocessors.deregister("setextheader")  # `blocks` has made them headings with `#`
    engine.parser.blockprocessors.register(_quotes(engine), "quote", 20)
    engine.treeprocessors.register(_few_abbreviations(engine), "few_abbreviations", 8)
    install(engine, angle, bracket, paren, deep_links)
    return engine, normaliser


def _footnotes() -> Any:
    from markdown.extensions.footnotes import FootnoteExtension  # noqa: PLC0415

    class Footnotes(FootnoteExtension):
        """Counts the references to a note, where its parent tries one name after the other."""

        def unique_ref(self, reference: str, found: bool = False) -> str:
            if not found:
                return reference
            count = self.found_refs[reference] = self.found_refs.get(reference, 0) + 1
            kind, note = reference.split(self.get_separator(), 1)
            return reference if count == 1 else f"{kind}{count}{self.get_separator()}{note}"

    return Footnotes(BACKLINK_TEXT="↩")


def _few_abbreviations(engine: Markdown) -> Any:
    from markdown.treeprocessors import Treeprocessor  # noqa: PLC0415

    known: dict[str, str] = engine.treeprocessors["abbr"].abbrs  # type: ignore[attr-defined]

    class FewAbbreviations(Treeprocessor):
        def run(self, root: Any) -> None:
            del root
            for name in list(known)[MAX_ABBREVIATIONS:]:
                del known[name]

    return FewAbbreviations(engine)


def _preprocessor(engine: Markdown, normaliser: Normaliser) -> Any:
    from markdown.preprocessors import Preprocessor  # noqa: PLC0415

    class Blocks(Preprocessor):
        def run(self, lines: list[str]) -> list[str]:
            return normaliser.run(lines)

    return Blocks(engine)


def _quotes(engine: Markdown) -> Any:
    from markdown.blockprocessors import BlockQuoteProcessor  # noqa: PLC0415

    class Quotes(BlockQuoteProcessor):
        """Quotes with an empty line between them stay two (CommonMark 5.1)."""

        def lastChild(self, parent: Any) -> None:  # noqa: N802
            del parent

    return Quotes(engine.parser)


# What each limit is called, and what an author can do: rule, message, fix.
_LIMITS = {
    "blocks": (
        "nesting-too-deep",
        f"lists or quotes nested deeper than {MAX_DEPTH} levels were flattened",
        "nest less deeply",
    ),
    "html": ("nesting-too-deep", f"HTML nested deeper than {MAX_NESTING} elements was flattened", "nest less deeply"),
    "links": (
        "nesting-too-deep",
        f"links nested deeper than {MAX_HEIGHT} are shown as text",
        "put a \\ before brackets that are no link",
    ),
    "abbreviations": (
        "abbreviations-too-many",
        f"only the first {MAX_ABBREVIATIONS} abbreviations are explained",
        "leave out those that readers know",
    ),
    "table": ("table-too-wide", f"a table with more than {MAX_COLUMNS} columns is shown as text", "make it narrower"),
    "line": (
        "line-too-long",
        f"a line of more than {MAX_LINE} characters is shown without its Markdown",
        "break the line",
    ),
}


def _limit(kind: str, line: int, file: str, first_line: int) -> Finding:
    rule, message, fix = _LIMITS[kind]
    return Finding(rule, Severity.WARNING, message, file, first_line + line, 1, fix)


def _quiet_limits(raw: str, prose: str, deep_links: list[str], file: str, first_line: int) -> Iterator[Finding]:
    """Findings for HTML and links that nest too deep, and for too many abbreviations."""
    if too_deep(raw) is not None:
        at = too_deep(prose)  # Markdown nests too: where the source alone does not, nobody can say which tag it was
        yield _limit("html", prose.count("\n", 0, at or 0), file, first_line)
    for text in deep_links[:1]:
        at = prose.find(text.split("\n")[0][:60])
        yield _limit("links", prose.count("\n", 0, max(0, at)), file, first_line)
    known = {match[0]: match.start() for match in _ABBREVIATION.finditer(prose)}
    if len(known) > MAX_ABBREVIATIONS:
        yield _limit("abbreviations", prose.count("\n", 0, [*known.values()][MAX_ABBREVIATIONS]), file, first_line)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _removals(raw: str, prose: str, file: str, first_line: int) -> list[Finding]:
    """One finding for each kind of thing that `clean` takes out of `raw`, at its first place in `prose`."""
    findings, seen = [], set()
    for kind, name in removed(raw):
        if (kind, name) in seen:
            continue
        seen.add((kind, name))
        pattern = {"element": rf"<{re.escape(name)}\b", "attribute": rf"\b{re.escape(name)}\s*=", "address": name}[kind]
        found = re.search(pattern, prose, re.IGNORECASE)
        line = first_line + prose.count("\n", 0, found.start()) if found else None
        column = found.start() - prose.rfind("\n", 0, found.start()) if found else None
        shown = {"element": f"<{name}>", "attribute": f"{name}=", "address": f"{name}:"}[kind]
        message = f"{shown} was taken out: no mail program lets it work"
        fix = _FIXES.get(name, "take it out, or say it in Markdown")
        findings.append(Finding("html-removed", Severity.WARNING, message, file, line, column, fix))
    return findings
