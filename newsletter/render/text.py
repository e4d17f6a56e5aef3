"""The plain-text part of an edition, written from the same tree as its HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from lxml import html

from newsletter.content.markdown.diagrams import columns
from newsletter.render.text_inline import Node, Notes, inline, is_hidden
from newsletter.render.text_tables import is_data_table, table_blocks
from newsletter.render.wrapping import without_unseen, wrap

WIDTH = 72

Block = list[str]  # the lines of a paragraph, a heading, a list…

_UNDERLINES = {"h1": "=", "h2": "=", "h3": "-", "h4": "~", "h5": ".", "h6": "'"}
_MARKS = {"blockquote": "> ", "dd": "    "}
_CONTAINERS = frozenset(
    "address article aside center dd details dir div dl dt fieldset figcaption figure footer header hgroup li main "
    "menu nav section summary table tbody td tfoot th thead tr".split()
)
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_BLOCKS = _CONTAINERS | _LISTS | _UNDERLINES.keys() | {"p", "pre", "hr", "blockquote"}
# Blocks nested deeper, and lists with less room than this, are written without their marks and indents.
_DEEPEST = 60
_NARROWEST = 12
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def to_text(root: html.HtmlElement, width: int = WIDTH, image: str = "Image") -> str:
    """The blocks in `root` (a `Document.root`) as plain text of `width` columns, links collected at its end.

    A picture is its description, behind the word `image`.

    Only diagrams, code and words that cannot be broken are wider than `width`. `root` stays as it is. The text is what
    RFC 3676 calls fixed: no line ends in a space and none is space-stuffed, because providers take it as a value and
    wrap it in a message of their own, where neither format=flowed nor the stuffing would be undone.
    """
    writer = _Writer(mixed=_mixed(root), notes=Notes(image=image))
    blocks = writer.blocks(root, width)
    if writer.notes.links:
        blocks.append([f"[{number}] {address}" for address, number in writer.notes.links.items()])
    return "\n".join(_spaced(blocks)) + "\n"


def _mixed(root: html.HtmlElement) -> set[html.HtmlElement]:
    """The elements in `root` that are no blocks themselves but hold some."""
    mixed: set[html.HtmlElement] = set()
    for element in root.iter(*_BLOCKS):
        for outer in element.iterancestors():
            if outer in mixed or outer is root:
                break
            mixed.add(outer)
    return {element for element in mixed if element.tag not in _BLOCKS and element.tag != "a"}


def _spaced(blocks: Iterable[Block]) -> list[str]:
    """The lines of `blocks` with an empty line between one block and the next."""
    lines: list[str] = []
    for block in blocks:
        if block:
            lines += ["", *block] if lines else block
    return lines


def _hang(lines: Iterable[str], first: str, rest: str) -> Block:
    """`lines` behind a mark: `first` before the first line, `rest` before the others."""
    return [((rest if number else first) + line).rstrip() for number, line in enumerate(lines)]


@dataclass
class _Writer:
    """Writes the blocks of one text and remembers the links in them."""

    mixed: set[html.HtmlElement]
    notes: Notes = field(default_factory=Notes)
    depth: int = 0

    def blocks(self, element: html.HtmlElement, width: int) -> list[Block]:
        """The blocks that stand in `element`; words between them make paragraphs."""
        if self.depth >= _DEEPEST:
            return [self._paragraph([element], width)]
        self.depth += 1
        made: list[Block] = []
        for group in self._groups(element):
            made += [self._paragraph(group, width)] if isinstance(group, list) else self._block(group, width)
        self.depth -= 1
        return [block for block in made if block]

    def _groups(self, element: html.HtmlElement) -> Iterator[list[Node] | html.HtmlElement]:
        """The block elements in `element`, and between them the runs of words and inline elements."""
        run: list[Node] = [element.text or ""]
        for child in element:
            if child.tag in _BLOCKS or child in self.mixed:
                yield run
                yield child
                run = []
            else:
                run.append(child)
            run.append(child.tail or "")
        yield run

    def _paragraph(self, nodes: Iterable[Node], width: int) -> Block:
        text = inline(nodes, self.notes)
        return wrap(text, width) if text else []

    def _block(self, element: html.HtmlElement, width: int) -> list[Block]:
        if is_hidden(element):
            return []
        if "admonition" in element.get("class", "").split():
            return self._marked(element, width)
        return _WRITERS.get(str(element.tag), _Writer.blocks)(self, element, width)

    def _rule(self, element: html.HtmlElement, width: int) -> list[Block]:
        del element, width
        return [["* * *"]]

    def _table(self, element: html.HtmlElement, width: int) -> list[Block]:
        return table_blocks(element, width, self.notes) if is_data_table(element) else self.blocks(element, width)

    def _heading(self, element: html.HtmlElement, width: int) -> list[Block]:
        lines = self._paragraph([element], width)
        if not lines:
            return []
        # Three signs at least: a line of two hyphens would announce a signature (RFC 3676 section 4.3).
        rule = _UNDERLINES[str(element.tag)] * max(3, *map(columns, lines))
        return [[rule, *lines, rule] if element.tag == "h1" else [*lines, rule]]

    def _pre(self, element: html.HtmlElement, width: int) -> list[Block]:
        del width
        text = "".join(_preformatted(element))
        lines = [line.rstrip() for line in without_unseen(text).expandtabs(4).splitlines()]
        filled = [number for number, line in enumerate(lines) if line]
        lines = lines[filled[0] : filled[-1] + 1] if filled else []
        diagram = element.getparent().tag == "figure"
        return [lines if diagram else _hang(lines, "    ", "    ")]

    def _marked(self, element: html.HtmlElement, width: int) -> list[Block]:
        """A quote, an admonition or a definition: its blocks behind a mark."""
        mark = _MARKS.get(str(element.tag), "| ")
        if width - len(mark) < _NARROWEST:
            return self.blocks(element, width)
        return [_hang(_spaced(self.blocks(element, width - len(mark))), mark, mark)]

    def _list(self, element: html.HtmlElement, width: int) -> list[Block]:
        loose = _is_loose(element)
        number = _whole(element.get("start"), 1)
        lines: Block = []
        for item in self._groups(element):
            if isinstance(item, list):  # words that stand in no item
                written = self._paragraph(item, width)
            elif item.tag != "li":
                written = _spaced(self._block(item, width))
            else:
                number = _whole(item.get("value"), number)
                written = self._item(item, _marker(element, item, number), loose, width)
                number += 1
            lines += ["", *written] if loose and lines and written else written
        return [lines]

    def _item(self, item: html.HtmlElement, marker: str, loose: bool, width: int) -> Block:
        is_task = "task" in item.get("class", "").split()  # its words start with a box, which is mark enough
        size = 2 if is_task else columns(marker)
        fits = width - size >= _NARROWEST
        blocks = self._block(item, width - size if fits else width)
        lines = _spaced(blocks) if loose else [line for block in blocks for line in block]
        return _hang(lines, "" if is_task else marker, " " * size) if fits else lines

    def _text_paragraph(self, element: html.HtmlElement, width: int) -> list[Block]:
        """A `<p>`; one of a glossary note says `Term: definition [3]`."""
        if element.getparent().get("role") != "note":
            return self.blocks(element, width)
        nodes: list[Node] = [element.text or ""]
        for number, child in enumerate(element):
            nodes += [child, ": " if number == 0 and child.tag == "strong" else "", child.tail or ""]
        return [self._paragraph(nodes, width)]

    def _definitions(self, element: html.HtmlElement, width: int) -> list[Block]:
        """Each term of a `dl`, with what it means right below it."""
        made: list[Block] = []
        before = ""
        for group in self._groups(element):
            if isinstance(group, list):
                tag, lines = "", self._paragraph(group, width)
            else:
                tag, lines = str(group.tag), _spaced(self._block(group, width))
            if not lines:
                continue
            if before and (before, tag) in (("dt", "dt"), ("dt", "dd"), ("dd", "dd")):
                made[-1] += lines
            else:
                made.append(lines)
            before = tag
        return made


_WRITERS: dict[str, Callable[[_Writer, html.HtmlElement, int], list[Block]]] = {
    **dict.fromkeys(_UNDERLINES, _Writer._heading),
    **dict.fromkeys(_LISTS, _Writer._list),
    **dict.fromkeys(_MARKS, _Writer._marked),
    "p": _Writer._text_paragraph,
    "pre": _Writer._pre,
    "hr": _Writer._rule,
    "dl": _Writer._definitions,
    "table": _Writer._table,
}


def _preformatted(element: html.HtmlElement) -> Iterator[str]:
    """The text of a `<pre>` as it stands."""
    for node in element.iter():
        if node.tag == "br":
            yield "\n"
        if isinstance(node.tag, str):
            yield node.text or ""
        if node is not element:
            yield node.tail or ""


def _is_loose(element: html.HtmlElement) -> bool:
    """Whether an author set the items apart: each is a paragraph, or one holds more than a paragraph and lists."""
    items = element.findall("li")
    if len(items) > 1 and all(any(child.tag == "p" for child in item) for item in items):
        return True
    return any(sum(child.tag in _BLOCKS and child.tag not in _LISTS for child in item) > 1 for item in items)


def _marker(element: html.HtmlElement, item: html.HtmlElement, number: int) -> str:
    if (item.get("id") or "").startswith("fn:"):
        return str(number).translate(_RAISED) + " "
    return f"{number}. " if element.tag == "ol" else "- "


def _whole(text: str | None, otherwise: int) -> int:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise
