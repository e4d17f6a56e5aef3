"""What an edition shows of the publication around it: its name, its other issues, its glossary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from newsletter.content.glossary import Term


@dataclass(frozen=True)
class IssueLink:
    """Another issue of the publication, as `next:` and the keep-reading list name it."""

    slug: str
    title: str
    subtitle: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Site:
    """The publication as far as a reader sees it; all that `render` needs beside the issue and the theme.

    `days` are the schedule's days (`("tue", "fri")`), for the sign-up box's promise. `issues` are all issues of the
    publication in their order. `sender` and `reply_to` are mailboxes (`Name <address>`). `feedback` is an address or a
    web address. `base_url` has no slash at its end; an issue's page is `base_url/SLUG/`.
    """

    name: str
    base_url: str
    sender: str
    reply_to: str = ""
    postal_address: str = ""
    language: str = "en"
    description: str = ""
    feedback: str = ""
    days: tuple[str, ...] = ("tue", "fri")
    credit: str = "AutoSend"
    credit_url: str = "https://autosend.com"
    issues: tuple[IssueLink, ...] = ()
    glossary: Mapping[str, Term] = field(default_factory=lambda: MappingProxyType({}))
