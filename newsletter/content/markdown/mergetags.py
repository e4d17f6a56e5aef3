"""Carry an author's `{{ … }}` through Markdown untouched.

Markdown would read `{{ first_name | default("you") }}` as emphasis, a table's column or an address to be escaped. So
what looks like a merge tag is replaced by a token of plain letters and digits before Markdown runs, and the token by
whatever the tag means at the very end. A token is derived from the source, so it is the same every time and cannot
occur in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# A name or dotted name, filters behind bars, on one line; `\{{`, `{{{` and `{{#if}}` are no merge tags.
PLAUSIBLE = re.compile(r"(?<![{\\])\{\{(?!\{)[ \t]*([A-Za-z_][\w.]*(?:[ \t]*\|[^{}\n]{0,200})?)[ \t]*\}\}(?!\})")
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")


@dataclass
class Shield:
    """The tokens of one rendering: `hide` puts them in, `reveal` takes them out again."""

    prefix: str
    typed: list[str] = field(default_factory=list)

    @classmethod
    def for_sources(cls, sources: Iterable[str]) -> Shield:
        """A shield whose tokens occur in none of `sources`."""
        text = "\0".join(sources)
        salt = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        folded = text.lower()
        while (prefix := "z" + salt[:9].translate(_LETTERS)) in folded:
            salt = hashlib.sha256(salt.encode()).hexdigest()
        return cls(prefix)

    def hide(self, text: str) -> str:
        """`text` with a token in the place of each plausible merge tag."""
        return PLAUSIBLE.sub(lambda match: self.token(match[0]), text)

    def token(self, typed: str) -> str:
        """A new token that stands for `typed`, braces included."""
        self.typed.append(typed)
        return f"{self.prefix}{len(self.typed) - 1}z"

    def reveal(self, text: str, meaning: Callable[[str], str] | None = None) -> str:
        """`text` with each token replaced by `meaning(what was typed)`, or by what was typed."""
        if self.prefix not in text:
            return text
        pattern = re.compile(re.escape(self.prefix) + r"(\d+)z")
        return pattern.sub(lambda match: (meaning or str)(self.typed[int(match[1])]), text)


def inner(typed: str) -> str:
    """What stands between the braces of a tag as typed: `{{ name }}` -> `name`."""
    return typed[2:-2].strip()
