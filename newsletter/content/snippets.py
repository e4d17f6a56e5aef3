"""Texts that several issues share: `{{ snippet: NAME }}` on a line of its own stands for `snippets/NAME.md`.

The folder lies beside the one that holds the issue. What is put in is Markdown, as if it were typed there; each line
remembers where it really stands, so that a finding leads there.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from newsletter.content.files import TOO_LARGE, decode, read_bytes
from newsletter.content.prose import prose_of
from newsletter.errors import ContentError

FOLDER = "snippets"
_START = re.compile(r"\{\{[ \t]*snippet[ \t]*:")
_LINE = re.compile(
    r"(?P<indent>[ \t]*)\{\{[ \t]*snippet[ \t]*:[ \t]*(?P<name>[A-Za-z0-9][\w-]{0,99})(?:\.md)?[ \t]*\}\}[ \t]*"
)
_SHAPE = "write {{ snippet: NAME }} on a line of its own; in `code` it is shown as typed"


@dataclass(frozen=True)
class Origin:
    """From the line `start` of a text on, up to the next origin, its lines are those of `file` from `line` on.

    `start` and `line` count from 1; `indent` is how many characters were put before each.
    """

    start: int
    file: str
    line: int
    indent: int = 0


@dataclass(frozen=True)
class Included:
    """A text with its snippets put in: where its lines come from, and the files, each with its SHA-256.

    `origins` and `files` are empty where there is no snippet in it.
    """

    text: str
    origins: tuple[Origin, ...] = ()
    files: tuple[tuple[Path, str], ...] = ()


def include(path: Path, body: str, first_line: int, file: str) -> Included:
    """`body` of the issue at `path` with its snippets; `first_line` is where it starts, `file` the issue's own name.

    Raises ContentError with file and line for a snippet that is missing, empty or no text, that a link takes out of the
    folder, that includes itself by whatever way, or is not alone on its line.
    """
    if not _START.search(body):
        return Included(body)
    reading = _Reading(path, path.parent.parent / FOLDER)
    reading.add(body, file, first_line, "", ())
    if not reading.files:  # it only writes about snippets
        return Included(body)
    lines = reading.lines
    return Included("\n".join(lines), tuple(reading.origins(first_line)), tuple(reading.files.items()))


class _Reading:
    """The lines that were put together so far, each with its place."""

    def __init__(self, issue: Path, folder: Path) -> None:
        self.issue, self.folder = issue, folder
        self.lines: list[str] = []
        self.places: list[tuple[str, int, int]] = []
        self.files: dict[Path, str] = {}
        self._texts: dict[str, str] = {}
        self._size = 0

    def add(self, text: str, file: str, first: int, indent: str, within: tuple[tuple[str, int], ...]) -> None:
        """Take in a text, and for each snippet in it that one; `within` are the snippets that led here, with lines."""
        lines, prose = text.split("\n"), prose_of(text).text.split("\n")
        for number, line in enumerate(lines):
            place = first + number
            if not _START.search(prose[number]):
                self._put(f"{indent}{line}" if line.strip() else line, (file, place, len(indent)), within)
                continue
            here = (*within, (file, place))
            match = _LINE.fullmatch(line)
            if not match:
                raise self._error(here, "a snippet that is not alone on its line, or has no name", _SHAPE)
            name = match["name"]
            if any(place[0] == f"{FOLDER}/{name}.md" for place in here):
                raise self._error(here, f'the snippet "{name}" would include itself', "take one of them out")
            self.add(self._read(name, here), f"{FOLDER}/{name}.md", 1, indent + match["indent"], here)

    def origins(self, first: int) -> list[Origin]:
        """The places of the lines as stretches."""
        found: list[Origin] = []
        for number, (file, line, indent) in enumerate(self.places, start=first):
            last = found[-1] if found else None
            if not last or (last.file, last.line + number - last.start, last.indent) != (file, line, indent):
                found.append(Origin(number, file, line, indent))
        return found

    def _put(self, line: str, place: tuple[str, int, int], within: tuple[tuple[str, int], ...]) -> None:
        self._size += len(line) + 1
        if self._size > TOO_LARGE:
            raise self._error(within or (place[:2],), "with its snippets the issue is too large (5 MB or more)", "")
        self.lines.append(line)
        self.places.append(place)

    def _read(self, name: str, here: tuple[tuple[str, int], ...]) -> str:
        if name not in self._texts:
            path = self.folder / f"{name}.md"
            try:
                data = read_bytes(path)
                self._texts[name] = decode(path, data).rstrip("\n")
            except ContentError as error:
                known = ", ".join(sorted(each.stem for each in self.folder.glob("*.md"))[:8])
                hint = f"there are: {known}" if known else f"make {FOLDER}/{name}.md beside issues/"
                reason = error.message.replace(str(path), f"{FOLDER}/{name}.md", 1)
                raise self._error(
                    here, f'the snippet "{name}": {reason}', hint if not path.exists() else error.hint
                ) from None
            self.files[path] = hashlib.sha256(data).hexdigest()
        return self._texts[name]

    def _error(self, here: tuple[tuple[str, int], ...], message: str, hint: str) -> ContentError:
        """The issue's line that led there, since it is the issue that cannot be read; then the snippet's own."""
        where = f"{here[-1][0]}:{here[-1][1]}: " if len(here) > 1 else ""
        return ContentError(self.issue, here[0][1], f"{where}{message}", hint)
