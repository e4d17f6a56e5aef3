"""The glossary of a publication: `glossary.toml` or `glossary.yaml`, term -> definition and link."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One term: the words as they are looked for in an issue, what they mean, where to learn more."""

    term: str
    definition: str
    url: str = ""
