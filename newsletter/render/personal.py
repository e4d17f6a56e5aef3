"""An edition as one reader gets it: every variable filled, as a provider's template engine would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from newsletter.render.edition import Edition
from newsletter.render.fill import fill
from newsletter.render.merge import Fields, compile_source, tags_of


def values_of(edition: Edition) -> Callable[[Fields], dict[str, str]]:
    """A function from a reader's fields (`merge.reader_fields`) to what each variable of the edition is for them.

    The merge tags are read here, once for all readers.
    """
    variables = [(name, compile_source(source)) for name, source in edition.variables.items()]
    return lambda fields: {name: value(fields) for name, value in variables}


def keeps_fields(edition: Edition) -> bool:
    """Whether the edition looks at tags or own fields, so that a broadcast has to freeze them."""
    return any(tag.is_frozen for tag in tags_of(edition.variables.values()))


def values_for(edition: Edition, fields: Fields) -> dict[str, str]:
    """What each variable of the edition is for one reader."""
    return values_of(edition)(fields)


def personal(edition: Edition, fields: Fields) -> Edition:
    """The edition for one reader; it has no variables left, and keeps the digest of what it was made from."""
    values = values_for(edition, fields)
    return replace(
        edition,
        subject=fill(edition.subject, values, html=False),
        preheader=fill(edition.preheader, values, html=False),
        html=fill(edition.html, values, html=True),
        text=fill(edition.text, values, html=False),
        headers={name: fill(value, values, html=False) for name, value in edition.headers.items()},
        variables={},
    )
