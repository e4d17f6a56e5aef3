"""An edition as one reader gets it: every variable filled, as a provider's template engine would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from newsletter.render.edition import Edition
from newsletter.render.fill import fill
from newsletter.render.merge import evaluate


def values_for(edition: Edition, fields: Mapping[str, str]) -> dict[str, str]:
    """What each variable of the edition is for a reader with these `fields` (`merge.reader_fields`)."""
    return {name: evaluate(source, fields) for name, source in edition.variables.items()}


def personal(edition: Edition, fields: Mapping[str, str]) -> Edition:
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
