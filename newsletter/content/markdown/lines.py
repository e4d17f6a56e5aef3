"""What one line of Markdown can start or end, and how python-markdown wants to see it (CommonMark 0.31, chapter 4)."""

from __future__ import annotations

import re
from html import escape

from newsletter.content.markdown.html import BLOCK_ELEMENTS

# A wider table is shown as text: nobody can read it, and filling up its rows costs the square of its width.
MAX_COLUMNS = 200

QUOTE = re.compile(r"> ?")
BULLET = re.compile(r"([-+*])( +|$)")
ORDERED = re.compile(r"(\d{1,9})([.)])( +|$)")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
HEADING = re.compile(r"#{1,6}(?:[ \t]+|$)")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
# What python-markdown's extensions read with an indent of four: an admonition, a footnote, a definition.
INDENTED = re.compile(r"(!!! ?[\w-]+(?: +[\w-]+)*(?: +\"[^\"]*\")? *$)|\[\^[^\]\s]+\]:(?:\s|$)|: {1,3}\S")
ABBREVIATION = re.compile(r"\*\[[^\]]+\]: ")
# What ends a raw HTML block that a blank line does not end (CommonMark 4.6, start conditions 1 and 2).
RAW_END = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("pre", "script", "style", "textarea", "iframe")
} | {"!--": re.compile("-->")}

_NO_HEADING = re.compile(r"#+(?=[^#\s])|#{7,}")
_DELIMITER_ROW = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_HTML_BLOCK = re.compile(r"<(?:/?([A-Za-z][A-Za-z0-9]*)(?=[\s/>]|$)|!--)")
_LONG_NUMBER = re.compile(r"(\d{10,})([.)]\s)")


def indent_of(text: str) -> int:
    """The number of spaces that `text` starts with."""
    return len(text) - len(text.lstrip(" "))


def untab(line: str) -> str:
    """Tabs before and after a line's marks as spaces, to columns of four (CommonMark 2.2)."""
    if "\t" not in line:
        return line
    head = re.match(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*", line)
    end = head.end() if head else 0
    return line[:end].expandtabs(4) + line[end:]


def strip_markers(text: str) -> str:
    """`text` without the marks of quotes and lists that it starts with."""
    return re.sub(r"^(?:>|[-+*](?=\s|$)|\d{1,9}[.)](?=\s|$)|\s)+", "", text)


def starts_html(text: str) -> str:
    """The element (`!--` for a comment) whose raw HTML block starts here, else nothing."""
    match = _HTML_BLOCK.match(text)
    if not match:
        return ""
    name = (match[1] or "!--").lower()
    if name in RAW_END and text.startswith("</"):
        return ""
    return name if name in RAW_END or name in BLOCK_ELEMENTS else ""


def starts_table(text: str, following: str) -> bool:
    """Whether `text` is the head of a table (GFM 4.10) that `following` goes on with."""
    return "|" in text and "|" in following and bool(_DELIMITER_ROW.match(following.strip()))


def is_too_wide(delimiter_row: str) -> bool:
    """Whether this second line of a table has more columns than `MAX_COLUMNS`."""
    return delimiter_row.count("|") > MAX_COLUMNS


def heading(level: int, content: str) -> str:
    """A heading for python-markdown, which takes every `#` at the end for a closing mark and stumbles over a `\\`."""
    text = re.sub(r"(?:^|[ \t]+)#+$", "", content.strip())
    if text.endswith("#"):
        text = text[:-1] + "\\#" if not text.endswith("\\#") else text
    if (len(text) - len(text.rstrip("\\"))) % 2:
        text += "\\"
    return "#" * level + " " + text


def as_text(text: str, goes_on: bool) -> str:
    """`text`, of a paragraph (`goes_on`: not its first line), with a `\\` where python-markdown would see a mark."""
    if match := _NO_HEADING.match(text):
        return "\\" + match[0] + text[match.end() :]
    if goes_on and (HEADING.match(text) or RULE.match(text) or BULLET.match(text) or text[0] == ">"):
        return "\\" + text
    number = _LONG_NUMBER.match(text) or (ORDERED.match(text) if goes_on else None)
    return f"{number[1]}\\{text[number.end(1) :]}" if number else text


def code_attributes(info: str) -> str:
    """The attributes of a fence's `<code>`, from what stands behind the fence: ```` ```python "A label" ````."""
    language = re.match(r"\{?\s*\.?([\w+#./-]+)", info)
    label = re.search(r"[\"“](.*)[\"”]", info)
    css = f' class="language-{escape(language[1].lower())}"' if language else ""
    return css + (f' title="{escape(label[1])}"' if label else "")
