"""Tags and own fields that merge tags look at, held against those that readers have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, String, cast, select

from newsletter.render.merge import OWN, MergeTag
from newsletter.store.tables import subscriber_tags, subscribers

_LOOKED_AT = 10_000  # readers; a field that none of so many has is a misspelt one
_WHOLE = ("contains", "equals", "only")  # the filters that mean a whole tag


def missing_fields(connection: Connection, tags: Sequence[MergeTag]) -> dict[str, str]:
    """For each merge tag (its source) that looks at a tag or field which no reader has, a sentence that says so."""
    used = [tag for tag in tags if tag.is_frozen]
    if not used:
        return {}
    names = {f"{OWN}{name}" for name in _own_names(connection)}
    have = {tag.casefold(): tag for tag in connection.execute(select(subscriber_tags.c.tag).distinct()).scalars()}
    found = {}
    for tag in used:
        for word in _words(tag):
            if tag.field == "tags" and word.casefold() not in have:
                found[tag.source] = f'no reader has the tag "{word}"{_near(word, list(have.values()))}'
        if tag.field != "tags" and tag.field not in names:
            found[tag.source] = f"no reader has the field {tag.field}{_near(tag.field, names)}"
    return found


def _words(tag: MergeTag) -> list[str]:
    """The whole tags that a merge tag asks for, up to where they have been made another text."""
    found: list[str] = []
    for name, texts in tag.filters:
        if name not in _WHOLE:
            break
        found += texts
    return found


def _own_names(connection: Connection) -> set[str]:
    query = select(subscribers.c.fields).where(cast(subscribers.c.fields, String) != "{}").limit(_LOOKED_AT)
    return {re.sub(r"\W", "_", name) for fields in connection.execute(query).scalars() for name in fields or ()}


def _near(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
