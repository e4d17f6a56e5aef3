"""The variants of an edition with personal parts: which there are, and a made-up reader for each, to look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice, product

from newsletter.render.edition import Edition
from newsletter.render.measuring import CLICK, OPEN
from newsletter.render.merge import OWN, Fields, MergeTag, Value, reader_fields, tags_of

MOST = 32  # variants that are listed; nobody looks at more
_TRIED = 4096  # readers that are made up to find them
_LINK = "https://example.org/unsubscribe"


@dataclass(frozen=True)
class Condition:
    """One merge tag that chooses between texts, as typed, and whether its test holds."""

    source: str
    holds: bool


@dataclass(frozen=True)
class Variant:
    """What readers of one kind see: the conditions that tell them from the others, and the fields of such a reader."""

    conditions: tuple[Condition, ...]
    fields: Fields

    @property
    def label(self) -> str:
        """Its reader in a few words: `tags: beta · no name`."""
        said = [_said(name, value) for name, value in self.fields.items() if name not in _UNSAID]
        return " · ".join(said) or "any reader"


_UNSAID = ("first_name", "unsubscribe_url", CLICK, OPEN)


def variants(edition: Edition) -> tuple[Variant, ...]:
    """The ways in which the conditional parts of an edition come together, each with the plainest reader who gets it.

    The first is the reader of whom least is known. Without conditional parts there is one variant, without conditions.
    Some that only an odd reader would get may be missing, and there are `MOST` of them at most.
    """
    tags = [tag for tag in tags_of(edition.variables.values()) if tag.choices({})]
    found: dict[tuple[tuple[bool, ...], ...], Variant] = {}
    for fields in islice(_readers(tags), _TRIED):
        choices = tuple(tag.choices(fields) for tag in tags)
        if choices not in found and len(found) < MOST:
            conditions = [Condition(tag.source, chosen[0]) for tag, chosen in zip(tags, choices, strict=True)]
            found[choices] = Variant(tuple(conditions), fields)
    return tuple(found.values())


def _readers(tags: Sequence[MergeTag]) -> Iterator[Fields]:
    """Made-up readers with every combination of the values that the conditions ask for, the plainest first."""
    asked: dict[str, list[str]] = {"name": [], "email": []}
    for tag in tags:
        field = "name" if tag.field == "first_name" else tag.field
        asked.setdefault(field, []).extend(_asked(tag))
    named = any(tag.field in ("name", "first_name") for tag in tags)
    choices: list[Sequence[Value]] = [
        ["", *dict.fromkeys([*asked.pop("name"), "Ada Sample"])] if named else ["Ada Sample"],
        ["ada@reader.example", *dict.fromkeys(asked.pop("email"))],
        _subsets(list(dict.fromkeys(asked.pop("tags", [])))),
    ]
    names = [name for name in asked if name.startswith(OWN)]
    choices += [["", *dict.fromkeys([*asked[name], "something"])] for name in names]
    for name, email, own_tags, *own in product(*choices):
        fields = {key.removeprefix(OWN): str(value) for key, value in zip(names, own, strict=True)}
        yield reader_fields(str(name), str(email), _LINK, tags=own_tags, own=fields)


def _asked(tag: MergeTag) -> Iterator[str]:
    """Values of the field that pass the tag's tests, the first of them all that is asked of some."""
    for name, texts in tag.filters:
        for text in texts:
            if name in ("equals", "contains", "only", "starts", "ends"):
                yield _whole(tag.field, name, text)
        if name in ("then", "unless", "default"):
            return


def _whole(field: str, test: str, text: str) -> str:
    if field != "email":
        return text
    return {"ends": f"ada{text}" if "@" in text else f"ada@{text.lstrip('.')}", "starts": f"{text}@reader.example"}.get(
        test, text if "@" in text else f"{text}@reader.example"
    )


def _subsets(words: list[str]) -> list[Value]:
    """All subsets of a few tags, the smallest first; of many only none, each and all."""
    if len(words) > 6:
        return [(), *((word,) for word in words), tuple(words)]
    return list(chain.from_iterable(combinations(words, size) for size in range(len(words) + 1)))


def _said(name: str, value: Value) -> str:
    shown = ", ".join(value) if isinstance(value, tuple) else value
    return f"{name.removeprefix(OWN)}: {shown}" if shown else f"no {name.removeprefix(OWN)}"
