"""Carry an author's `{{ … }}` through Markdown untouched.

Markdown would read `{{ name | default("you") }}` as emphasis, a table's column or an address to be escaped. So what
looks like a merge tag is replaced by a token of plain letters and digits before Markdown runs, and the token by
whatever the tag means at the very end. A token is derived from the source, so it is the same every time and cannot
occur in it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# A name or dotted name, filters behind bars, on one line; `\{{`, `{{{` and `{{#if}}` are no merge tags.
PLAUSIBLE = re.compile(r"(?<![{\\])\{\{(?!\{)[ \t]*([A-Za-z_][\w.]*(?:[ \t]*\|[^{}\n]{0,400})?)[ \t]*\}\}(?!\})")
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")


@dataclass(frozen=True)
class Typed:
    """A merge tag as the author typed it, braces included, and where: 1-based, None where it is not in the body."""

    source: str
    line: int | None = None
    column: int | None = None

    @property
    def expression(self) -> str:
        """What stands between the braces: `{{ name }}` -> `name`."""
        return self.source[2:-2].strip()


@dataclass
class Shield:
    """The tokens of one rendering: `hide` puts them in, `reveal` takes them out again."""

    prefix: str
    tags: list[Typed] = field(default_factory=list)

    @classmethod
    def for_sources(cls, sources: Iterable[str]) -> Shield:
        """A shield whose tokens occur in none of `sources`."""
        text = "\0".join(sources)
        salt = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        folded = text.lower()
        while (prefix := "z" + salt[:9].translate(_LETTERS)) in folded:
            salt = hashlib.sha256(salt.encode()).hexdigest()
        return cls(prefix)

    def hide(self, text: str, first_line: int | None = None) -> str:
        """`text` with a token in the place of each plausible merge tag; `first_line` is the line that it starts on."""
        if "{{" not in text:
            return text
        starts = [0, *(match.end() for match in re.finditer("\n", text))]

        def hidden(match: re.Match[str]) -> str:
            row = bisect_right(starts, match.start()) - 1
            line = None if first_line is None else first_line + row
            return self.token(Typed(match[0], line, match.start() - starts[row] + 1))

        return PLAUSIBLE.sub(hidden, text)

    def token(self, tag: Typed) -> str:
        """A new token that stands for `tag`."""
        self.tags.append(tag)
        return f"{self.prefix}{len(self.tags) - 1}z"

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds the tokens in a text; its group is the number of the tag in `tags`."""
        return re.compile(re.escape(self.prefix) + r"(\d+)z")

    def reveal(self, text: str, meaning: Callable[[Typed], str]) -> str:
        """`text` with each token replaced by `meaning(what was typed)`."""
        if self.prefix not in text:
            return text
        return self.pattern.sub(lambda match: meaning(self.tags[int(match[1])]), text)
