"""One issue as another program kept it, in our words, before it becomes a file of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from newsletter.moving.tree import Tree


class Markup(StrEnum):
    """What a post's body is written in."""

    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True)
class Post:
    """A post of another program.

    `place` names where it came from, for messages. `published` is aware, or naive where the source gives wall time
    only. `sent`: readers have it. `addresses` are the paths (or whole addresses) under which it stood. `folder` is
    where its relative pictures lie in the source. `notes` tell what is lost already.
    """

    place: str
    title: str
    body: str
    markup: Markup
    slug: str = ""
    subtitle: str = ""
    description: str = ""
    author: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    sent: bool = True
    cover: str = ""
    cover_alt: str = ""
    addresses: tuple[str, ...] = ()
    folder: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """Something in a source that does not become an issue, and why."""

    place: str
    reason: str


class Source(Protocol):
    """The export of one program, opened."""

    @property
    def program(self) -> str:
        """Its name, as `--from` has it."""
        ...

    @property
    def tree(self) -> Tree:
        """The files of the export."""
        ...

    @property
    def roots(self) -> tuple[str, ...]:
        """Folders of the tree in which an absolute picture address (`/images/cat.png`) may lie."""
        ...

    def posts(self) -> Iterator[Post | Skipped]:
        """What it holds; raises NewsletterError where the export cannot be meant."""
        ...
