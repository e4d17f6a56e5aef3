"""What an edition shows of the publication around it: its name, its other issues, its glossary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from newsletter.content.glossary import Term


@dataclass(frozen=True)
class IssueLink:
    """Another issue of the publication, as `next:` and the keep-reading list name it; `file` is its file's name."""

    slug: str
    title: str
    subtitle: str = ""
    number: int | None = None
    file: str = ""


@dataclass(frozen=True)
class Site:
    """The publication as far as a reader sees it; all that `render` needs beside the issue and the theme.

    `days` are the schedule's days (`("tue", "fri")`), for the sign-up box's promise. `issues` are all issues of the
    publication in their order. `sender` and `reply_to` are mailboxes (`Name <address>`). `feedback` is an address or a
    web address. `base_url` has no slash at its end; an issue's page is `base_url/SLUG/`. `clicks` and `opens`: what is
    measured.
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
    clicks: bool = False
    opens: bool = False
    issues: tuple[IssueLink, ...] = ()
    glossary: Mapping[str, Term] = field(default_factory=lambda: MappingProxyType({}))

    def page_of(self, slug: str) -> str:
        """The address of an issue's page."""
        return f"{self.base_url}/{slug}/"

    def issue(self, reference: str) -> IssueLink | None:
        """The issue that `reference` means: a slug, or the name or path of its file; None where there is none."""
        name = reference.strip().strip("/").rsplit("/", 1)[-1]
        return next((link for link in self.issues if name and name in (link.slug, link.file)), None)

    def before(self, slug: str) -> tuple[IssueLink, ...]:
        """The issues before the one called `slug`, the newest first."""
        slugs = [link.slug for link in self.issues]
        return tuple(reversed(self.issues[: slugs.index(slug)])) if slug in slugs else ()
