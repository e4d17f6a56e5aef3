"""Made-up readers for whom an issue reads differently: one for each outcome of its conditional merge tags. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from newsletter.render.edition import Edition
from newsletter.render.merge import MergeTag, parse, reader_fields
from newsletter.web.preview.readers import MADE_UP, Somebody

_SAID = {"equals": "is", "contains": "contains", "starts": "starts with", "ends": "ends with"}
_TESTS = tuple(_SAID)
_SHOWN = 24  # variants; an issue with more of them is seen as these, and as any subscriber
_HOME = "reader.example"


def variants_of(edition: Edition) -> tuple[Somebody, ...]:
    """A reader for each way in which the conditional merge tags of `edition` come out, each way once.

    One field differs at a time from the first made-up reader, who has no place in the list.
    """
    tags = _conditional(edition)
    plain = MADE_UP[0]
    seen = {_outcome(tags, plain.name, plain.email)}
    found = list[Somebody]()
    for label, name, email in _candidates(tags):
        outcome = _outcome(tags, name, email)
        if outcome not in seen and len(found) < _SHOWN:
            seen.add(outcome)
            key = "v" + hashlib.sha256(f"{name}\0{email}".encode()).hexdigest()[:12]
            found.append(Somebody(key, label, name, email))
    return tuple(found)


def _conditional(edition: Edition) -> tuple[MergeTag, ...]:
    """The tags of which not every reader sees the same kind of thing."""
    sources = [source for source in edition.variables.values() if not source.startswith('"')]
    tags = [parse(source) for source in dict.fromkeys(sources)]
    return tuple(tag for tag in tags if any(name in (*_TESTS, "then", "default") for name, _ in tag.filters))


def _candidates(tags: tuple[MergeTag, ...]) -> Iterator[tuple[str, str, str]]:
    """A label, name and address for each test of each tag passed, and for each field left empty."""
    plain = MADE_UP[0]
    for tag in tags:
        for name, text in tag.filters:
            if name in _TESTS and text.strip():
                label = f"{tag.field} {_SAID[name]} “{text}”"
                if tag.field == "email":
                    yield label, plain.name, _address(name, text)
                elif tag.field in ("name", "first_name"):
                    yield label, _named(name, text), plain.email
        if tag.field in ("name", "first_name"):
            yield f"no {tag.field.replace('_', ' ')}", "", plain.email


def _named(test: str, text: str) -> str:
    return {"starts": f"{text}a", "ends": f"A{text}"}.get(test, text)


def _address(test: str, text: str) -> str:
    """An address that passes the test, as far as there is one."""
    if test == "equals":
        return text
    if test == "ends":
        return f"reader{text}" if text.startswith("@") else f"reader@a{text}"
    front = "reader" if text.startswith("@") else ""
    if text.endswith("@"):
        return f"{front}{text}{_HOME}"
    return f"{front}{text}" if "@" in text else f"{front}{text}@{_HOME}"


def _outcome(tags: tuple[MergeTag, ...], name: str, email: str) -> tuple[str, ...]:
    """What each tag shows: a text of its own as that, and `…` for anything of the reader's."""
    fields = reader_fields(name, email, "https://unsubscribe.example/")
    return tuple(
        value if (value := tag.value(fields)) in {"", *(text for _, text in tag.filters)} else "…" for tag in tags
    )
