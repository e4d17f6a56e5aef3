"""The body of an issue, from Markdown to a finished tree of harmless HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import html

from newsletter.content.glossary import Term
from newsletter.content.markdown import author_css, tree
from newsletter.content.markdown.diagrams import is_diagram, make_figure
from newsletter.content.markdown.engine import to_html
from newsletter.content.markdown.terms import mark_terms
from newsletter.finding import Finding, Severity


@dataclass(frozen=True)
class Document:
    """A body read: `root` is a `<div>` that holds the blocks; `widths` are its diagrams' widths in columns."""

    root: html.HtmlElement
    terms: tuple[Term, ...] = ()
    widths: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_markdown(
    source: str, glossary: Mapping[str, Term] | None = None, file: str = "", first_line: int = 1
) -> Document:
    """`source` with headings, links, diagrams, tables and the terms of `glossary` as a reader is to see them.

    `file` and `first_line` say where `source` stands, for the findings.
    """
    made = to_html(source, file, first_line)
    root = parse(made.html)
    tree.drop_empty(root)
    tree.gather_loose(root)
    widths = _draw(root)
    tree.link_addresses(root)
    tree.settle_headings(root)
    tree.tick_tasks(root)
    tree.settle_pictures(root)
    tree.settle_tables(root)
    terms = mark_terms(root, glossary or {})
    styled = _style(root, made.css, source, file, first_line) if made.css else ()
    return Document(root, terms, widths, (*made.findings, *styled))


def parse(fragment: str) -> html.HtmlElement:
    """A fragment of HTML as a `<div>`."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    page = html.document_fromstring(f"<html><body><div>{fragment}</div></body></html>".encode(), parser=parser)
    body = page.find("body")
    assert body is not None  # noqa: S101 - it is in the text that was parsed
    return body[0]


def _style(root: html.HtmlElement, css: str, source: str, file: str, first_line: int) -> tuple[Finding, ...]:
    """Write the author's style sheet into the elements; a finding where something of it had to be left out."""
    left_out = author_css.apply(root, css)
    if not left_out:
        return ()
    line = first_line + source.count("\n", 0, max(0, source.lower().find("<style")))
    shown = ", ".join(dict.fromkeys(left_out[:3])) + (", …" if len(left_out) > 3 else "")
    message = f"of <style> this was taken out: {shown[:200]}"
    fix = "write rules for elements and classes, with colours, sizes and spaces; the rest belongs in a theme"
    return (Finding("html-removed", Severity.WARNING, message, file, line, 1, fix),)


def _draw(root: html.HtmlElement) -> tuple[int, ...]:
    widths = []
    for pre in list(root.iter("pre")):
        code = pre[0] if len(pre) == 1 and pre[0].tag == "code" else pre
        name = code.get("class", "").removeprefix("language-")
        text = str(pre.text_content())
        if is_diagram(text, name) and text.strip():
            widths.append(make_figure(pre, text, code.get("title", "")))
    return tuple(widths)
