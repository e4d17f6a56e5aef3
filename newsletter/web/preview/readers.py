"""As whom an edition is shown: a made-up reader, or one of the publication's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import Connection, or_, select

from newsletter.render.edition import Edition
from newsletter.render.merge import reader_fields
from newsletter.render.personal import personal
from newsletter.store.tables import subscriber_tags, subscribers

_FOUND = 20


@dataclass(frozen=True)
class Somebody:
    """A reader by the word that a page asks for: `nobody`, `ada`… or the number of a subscriber."""

    key: str
    label: str
    name: str
    email: str
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


MADE_UP = (
    Somebody("ada", "Ada Sample", "Ada Sample", "ada@reader.example"),
    Somebody("nobody", "a reader without a name", "", "reader@reader.example"),
    Somebody(
        "long",
        "a very long name",
        "Maximiliane-Charlotte von Hohenlohe-Langenburg zu Oberkirchberg",
        "maximiliane-charlotte.von.hohenlohe-langenburg@a-rather-long-domain.reader.example",
    ),
    Somebody("signs", "a name with signs", "Zoë “Zed” O'Brien <& Sons>", "zoe.obrien@reader.example"),
    Somebody("arabic", "a name in Arabic", "ليلى حداد", "layla@reader.example"),
)


def somebody(connection: Connection, key: str, variants: Iterable[Somebody] = ()) -> Somebody:
    """The reader that `key` means, of the made-up ones, `variants` and subscribers; the first where it means nobody."""
    known = next((reader for reader in (*MADE_UP, *variants) if reader.key == key), None)
    if known is None and key.isascii() and key.isdigit() and len(key) < 18:
        columns = subscribers.c.id, subscribers.c.name, subscribers.c.email, subscribers.c.fields
        row = connection.execute(select(*columns).where(subscribers.c.id == int(key))).first()
        if row:
            query = select(subscriber_tags.c.tag).where(subscriber_tags.c.subscriber_id == row.id)
            tags = tuple(sorted(connection.execute(query).scalars()))
            return Somebody(str(row.id), row.name or row.email, row.name, row.email, tags, row.fields or {})
    return known or MADE_UP[0]


def look_up(connection: Connection, words: str) -> list[Somebody]:
    """The first subscribers whose name or address holds `words`."""
    pattern = "%" + words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    like = or_(subscribers.c.name.ilike(pattern, escape="\\"), subscribers.c.email.ilike(pattern, escape="\\"))
    query = select(subscribers.c.id, subscribers.c.name, subscribers.c.email).where(like).order_by(subscribers.c.id)
    rows = connection.execute(query.limit(_FOUND))
    return [Somebody(str(row.id), f"{row.name} <{row.email}>".strip(), row.name, row.email) for row in rows]


def as_read_by(edition: Edition, reader: Somebody, base_url: str) -> Edition:
    """The edition as that reader gets it, but for the unsubscribe link, which would really unsubscribe them."""
    link = f"{base_url}/unsubscribe/preview"
    return personal(edition, reader_fields(reader.name, reader.email, link, tags=reader.tags, own=reader.fields))
