"""The merge language: `{{ field }}` and `{{ field | filter }}`, worked out here for each reader, never at the provider.

    {{ name | default("there") }}     the value, or the text where the value is empty
    {{ first_name | upper }}          filters: upper, lower, capitalize
    {{ email | ends("@example.org") | then("Hello, colleague.") | default("Hello.") }}
    {{ tags | contains("beta", "alpha") | then("Thank you for testing.") | default("Become a tester.") }}
    {{ tags | only("rust", "go") | each("the * club") | join(", ", " and ") }}

The third is if and else: a test empties a value that fails it, `then` replaces one that is left. The last is a loop:
`tags` is a list, `each` writes a text for each of its items, `join` makes one text of them.

A value is made such that no provider's template engine changes it (`safe`), whatever part of the email it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from newsletter.render.measuring import CLICK, NO_PIXEL, OPEN

READER_FIELDS = ("name", "first_name", "email", "tags", "unsubscribe_url")
OWN = "fields."  # before the name of a field that a publication made up itself
_FIELD = re.compile(r"[A-Za-z_][\w.]*")
_TEXT = r"(?:\"[^\"]*\"|'[^']*')"
_FILTER = re.compile(
    rf"(?P<name>[a-z_]+)\s*(?:\(\s*(?P<called>{_TEXT}(?:\s*,\s*{_TEXT})*)\s*\)|:?\s*(?P<bare>{_TEXT}))?\s*"
)
# What Handlebars escapes (`{{x}}` in any part, html or not), as the sign that looks most like it and is not escaped.
_LOOKALIKES = str.maketrans({"'": "’", "`": "’", '"': "”", "&": "＆", "<": "‹", ">": "›", "=": "＝"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029'`\"&<>=]")

Value: TypeAlias = str | tuple[str, ...]  # a text, or a list of texts
Fields: TypeAlias = Mapping[str, Value]


def _items(value: Value) -> tuple[str, ...]:
    """The items of a list; a text is a list of itself."""
    return value if isinstance(value, tuple) else (value,) if value.strip() else ()


def _for_each(change: Callable[[str], str]) -> Callable[[Value, Sequence[str]], Value]:
    return lambda value, _: tuple(map(change, value)) if isinstance(value, tuple) else change(value)


def _test(fits: Callable[[str, str], bool]) -> Callable[[Value, Sequence[str]], Value]:
    """Keeps a value of which any item fits any of the texts, whatever the case of letters."""

    def kept(value: Value, texts: Sequence[str]) -> Value:
        items = value if isinstance(value, tuple) else (value,)
        return value if any(fits(item.casefold(), text.casefold()) for item in items for text in texts) else ""

    return kept


def _contains(value: Value, texts: Sequence[str]) -> Value:
    """An item of a list is contained as a whole: `art` is not in a list with `smart`."""
    return (_EQUALS if isinstance(value, tuple) else _test(lambda item, text: text in item))(value, texts)


def _only(value: Value, texts: Sequence[str]) -> Value:
    wanted = {text.casefold() for text in texts}
    return tuple(item for item in _items(value) if item.casefold() in wanted)


def _join(value: Value, texts: Sequence[str]) -> Value:
    """Between the items the first text, before the last one the second, if there is one."""
    *items, last = _items(value) or ("",)
    return texts[-1].join([texts[0].join(items), last]) if items else last


def _split(value: Value, texts: Sequence[str]) -> Value:
    return tuple(part.strip() for item in _items(value) for part in item.split(texts[0] or None) if part.strip())


_EQUALS = _test(lambda item, text: item == text)
_MANY = 20


@dataclass(frozen=True)
class _Filter:
    """What a filter makes of a value, and how many texts at most it is given; where that is not 0, it needs one."""

    apply: Callable[[Value, Sequence[str]], Value]
    texts: int = 0


FILTERS: Mapping[str, _Filter] = MappingProxyType({
    "default": _Filter(lambda value, texts: value if _items(value) else texts[0], 1),
    "then": _Filter(lambda value, texts: texts[0] if _items(value) else "", 1),
    "unless": _Filter(lambda value, texts: "" if _items(value) else texts[0], 1),
    "equals": _Filter(_EQUALS, _MANY),
    "contains": _Filter(_contains, _MANY),
    "starts": _Filter(_test(str.startswith), _MANY),
    "ends": _Filter(_test(str.endswith), _MANY),
    "only": _Filter(_only, _MANY),
    "each": _Filter(lambda value, texts: tuple(texts[0].replace("*", item) for item in _items(value)), 1),
    "join": _Filter(_join, 2),
    "split": _Filter(_split, 1),
    "upper": _Filter(_for_each(str.upper)),
    "lower": _Filter(_for_each(str.lower)),
    "capitalize": _Filter(_for_each(lambda text: text[:1].upper() + text[1:])),
})  # fmt: skip
_CHOICES = ("default", "then", "unless")  # what differs between readers beyond their own words


@dataclass(frozen=True)
class MergeTag:
    """A merge tag read: the field, its filters in order, each with its texts, and what was typed for all that."""

    field: str
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    source: str = ""

    @property
    def has_default(self) -> bool:
        """Whether a reader without a value sees something all the same."""
        return any(name in ("default", "unless") for name, _ in self.filters)

    @property
    def is_frozen(self) -> bool:
        """Whether its field has to be kept with a delivery, beside name and address."""
        return self.field == "tags" or self.field.startswith(OWN)

    def value(self, fields: Fields) -> str:
        """What the tag stands for; a field that `fields` does not have is empty, a list is joined with commas."""
        return ", ".join(_items(value)) if isinstance(value := self._values(fields)[-1], tuple) else value

    def choices(self, fields: Fields) -> tuple[bool, ...]:
        """For each filter that chooses a text, in order: whether it had a value before it."""
        before = zip(self.filters, self._values(fields), strict=False)
        return tuple(bool(_items(value)) for (name, _), value in before if name in _CHOICES)

    def _values(self, fields: Fields) -> list[Value]:
        """The field's value, and then what each filter makes of it."""
        values = [fields.get(self.field, "")]
        for name, texts in self.filters:
            values.append(FILTERS[name].apply(values[-1], texts))
        return values


def parse(source: str) -> MergeTag:
    """The merge tag whose text between the braces is `source`; ValueError with a sentence for what is none."""
    field = _FIELD.match(source)
    if not field:
        raise ValueError("a merge tag starts with the name of a field")
    rest, filters = source[field.end() :].strip(), list[tuple[str, tuple[str, ...]]]()
    while rest:
        match = _FILTER.match(rest[1:].lstrip()) if rest[0] == "|" else None
        if not match:
            raise ValueError(f'expected | and a filter, found "{rest[:20]}"')
        name = match["name"]
        if name not in FILTERS:
            raise ValueError(f'there is no filter "{name}"; there are: {", ".join(FILTERS)}')
        texts = tuple(text[1:-1] for text in re.findall(_TEXT, match["called"] or match["bare"] or ""))
        if bool(texts) != bool(FILTERS[name].texts):
            raise ValueError(f"write {name} alone: it takes no text" if texts else f'write {name}("text")')
        if name == "unless" and any(before in ("then", "default") for before, _ in filters):
            raise ValueError('after then or default nothing is left for unless; write default("text") for the others')
        if len(texts) > FILTERS[name].texts:
            raise ValueError(
                f"{name} takes {FILTERS[name].texts} text{'' if FILTERS[name].texts == 1 else 's'} at most"
            )
        filters.append((name, texts))
        rest = rest[1:].lstrip()[match.end() :].strip()
    return MergeTag(field[0], tuple(filters), source)


def tags_of(sources: Iterable[str]) -> list[MergeTag]:
    """The merge tags among the sources of an edition's variables."""
    return [parse(source) for source in sources if not source.startswith('"')]


def safe(text: str) -> str:
    """`text` on one line and without the seven signs that Handlebars would escape, each a lookalike instead."""
    if _UNSAFE.search(text) is None:  # nearly every name and address
        return text
    return _CONTROL.sub(" ", text).translate(_LOOKALIKES)


def constant(text: str) -> str:
    """The source of a variable that is the same text for everybody."""
    return f'"{text}"'


def evaluate(source: str, fields: Fields) -> str:
    """The value of an edition's variable for these fields."""
    return compile_source(source)(fields)


def compile_source(source: str) -> Callable[[Fields], str]:
    """A function from fields to the value of an edition's variable: a constant's text, or what a merge tag stands for.

    The links that we make for a reader stay as they are; everything else is `safe`.
    """
    if source.startswith('"'):
        text = source[1:-1]
        return lambda _: text
    tag = parse(source)
    is_ours = tag.field in ("unsubscribe_url", CLICK, OPEN) and not any(
        name in ("then", "each") for name, _ in tag.filters
    )
    return tag.value if is_ours else lambda fields: safe(tag.value(fields))


def reader_fields(
    name: str,
    email: str,
    unsubscribe_url: str,
    *,
    tags: Iterable[str] = (),
    own: Mapping[str, str] | None = None,
) -> dict[str, Value]:
    """The fields of one reader that a merge tag may name, and what measures them (`render.measuring`): nothing.

    `own` are those that the publication made up; what is no letter, digit or `_` in their names is a `_` here.
    """
    first = name.strip().split(" ")[0]
    fields: dict[str, Value] = {OWN + re.sub(r"\W", "_", key): str(value) for key, value in (own or {}).items()}
    fields |= {"name": name.strip(), "first_name": first, "email": email, "unsubscribe_url": unsubscribe_url}
    return fields | {"tags": tuple(tags), CLICK: "", OPEN: NO_PIXEL}
