"""The merge language: `{{ field }}` and `{{ field | filter }}`, worked out here for each reader, never at the provider.

    {{ name | default("there") }}     the value, or the text where the value is empty
    {{ first_name | upper }}          filters: upper, lower, capitalize
    {{ email | ends("@example.org") | then("Hello, colleague.") | default("Hello.") }}

The last is if and else: a test empties a value that fails it, `then` replaces one that is left.

A value is made such that no provider's template engine changes it (`safe`), whatever part of the email it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from newsletter.render.measuring import CLICK, NO_PIXEL, OPEN

READER_FIELDS = ("name", "first_name", "email", "unsubscribe_url")
_FIELD = re.compile(r"[A-Za-z_][\w.]*")
_FILTER = re.compile(
    r"(?P<name>[a-z_]+)\s*(?:\(\s*(?P<called>\"[^\"]*\"|'[^']*')\s*\)|:?\s*(?P<bare>\"[^\"]*\"|'[^']*'))?\s*"
)
# What Handlebars escapes (`{{x}}` in any part, html or not), as the sign that looks most like it and is not escaped.
_LOOKALIKES = str.maketrans({"'": "’", "`": "’", '"': "”", "&": "＆", "<": "‹", ">": "›", "=": "＝"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_CASES: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "capitalize": lambda text: text[:1].upper() + text[1:],
}
# Each takes a text; the tests compare without regard to case.
_TEXTS: Mapping[str, Callable[[str, str], str]] = {
    "default": lambda value, text: value if value.strip() else text,
    "then": lambda value, text: text if value.strip() else "",
    "equals": lambda value, text: value if value.casefold() == text.casefold() else "",
    "contains": lambda value, text: value if text.casefold() in value.casefold() else "",
    "starts": lambda value, text: value if value.casefold().startswith(text.casefold()) else "",
    "ends": lambda value, text: value if value.casefold().endswith(text.casefold()) else "",
}


@dataclass(frozen=True)
class MergeTag:
    """A merge tag read: the field, and its filters in order, each with its text ("" where it takes none)."""

    field: str
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def has_default(self) -> bool:
        """Whether a reader without a value sees something all the same."""
        return any(name == "default" for name, _ in self.filters)

    def value(self, fields: Mapping[str, str]) -> str:
        """What the tag stands for; a field that `fields` does not have is empty."""
        text = fields.get(self.field, "")
        for name, argument in self.filters:
            text = _TEXTS[name](text, argument) if name in _TEXTS else _CASES[name](text)
        return text


def parse(source: str) -> MergeTag:
    """The merge tag whose text between the braces is `source`; ValueError with a sentence for what is none."""
    field = _FIELD.match(source)
    if not field:
        raise ValueError("a merge tag starts with the name of a field")
    rest, filters = source[field.end() :].strip(), list[tuple[str, str]]()
    while rest:
        match = _FILTER.match(rest[1:].lstrip()) if rest[0] == "|" else None
        if not match:
            raise ValueError(f'expected | and a filter, found "{rest[:20]}"')
        argument = match["called"] or match["bare"]
        name = match["name"]
        if name not in _TEXTS and name not in _CASES:
            raise ValueError(f'there is no filter "{name}"; there are: {", ".join([*_TEXTS, *_CASES])}')
        if (argument is not None) != (name in _TEXTS):
            raise ValueError(f'write {name}("text")' if name in _TEXTS else f"write {name} alone: it takes no text")
        filters.append((name, (argument or "")[1:-1]))
        rest = rest[1:].lstrip()[match.end() :].strip()
    return MergeTag(field[0], tuple(filters))


def safe(text: str) -> str:
    """`text` on one line and without the seven signs that Handlebars would escape, each a lookalike instead."""
    return _CONTROL.sub(" ", text).translate(_LOOKALIKES)


def constant(text: str) -> str:
    """The source of a variable that is the same text for everybody."""
    return f'"{text}"'


def evaluate(source: str, fields: Mapping[str, str]) -> str:
    """The value of an edition's variable for these fields."""
    return compile_source(source)(fields)


def compile_source(source: str) -> Callable[[Mapping[str, str]], str]:
    """A function from fields to the value of an edition's variable: a constant's text, or what a merge tag stands for.

    Addresses (`…_url`) are ours and stay as they are; everything else is `safe`.
    """
    if source.startswith('"'):
        text = source[1:-1]
        return lambda _: text
    tag = parse(source)
    is_ours = tag.field.endswith("_url") and not any(name == "then" for name, _ in tag.filters)
    return tag.value if is_ours else lambda fields: safe(tag.value(fields))


def reader_fields(
    name: str, email: str, unsubscribe_url: str, click_url: str = "", open_url: str = NO_PIXEL
) -> dict[str, str]:
    """The fields of one reader that a merge tag may name, and what measures them (`render.measuring`): nothing."""
    first = name.strip().split(" ")[0]
    fields = {"name": name.strip(), "first_name": first, "email": email, "unsubscribe_url": unsubscribe_url}
    return fields | {CLICK: click_url, OPEN: open_url}
