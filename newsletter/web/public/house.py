"""What the public pages stand on: one publication, its database and key, the sent issues, the look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from newsletter.audience.consent import Member
from newsletter.audience.tokens import Signer, open_signer
from newsletter.errors import ConfigError, NewsletterError
from newsletter.moving.redirects import read_redirects
from newsletter.pipeline.desk import open_desk
from newsletter.providers.anymail_events import Service
from newsletter.publication import Publication
from newsletter.render.language import day_text, direction, promise
from newsletter.render.site import Site
from newsletter.render.theme import Theme, read_theme
from newsletter.render.words import SOURCE, Words
from newsletter.store.database import Store
from newsletter.web.public.inbox import Inbox
from newsletter.web.public.limits import Limits
from newsletter.web.public.shelf import Shelf
from newsletter.web.public.tally import Tally

_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")  # RFC 5646, roughly; a list may hold anything


@dataclass(frozen=True)
class House:
    """Everything that a page needs. `static` pages have no server behind them: no search, no forms of their own.

    `language` is the one that the pages are in, `words` are its words.
    """

    publication: Publication
    store: Store
    signer: Signer
    site: Site
    theme: Theme
    css: str
    shelf: Shelf
    tally: Tally
    now: Callable[[], datetime]
    words: Words = field(default_factory=Words)
    language: str = SOURCE
    limits: Limits = field(default_factory=Limits)
    secret: str = field(default="", repr=False)  # of the provider's webhooks; without one they are not taken
    metrics_token: str = field(default="", repr=False)  # who has it may see the numbers; without one nobody
    anymail: Mapping[str, Service] = field(default_factory=dict)  # the services whose webhooks are taken
    inbox: Inbox | None = None  # where their events go
    ring: Callable[[], None] = lambda: None  # tells the post room that there is something to do
    static: bool = False
    redirects: Mapping[str, str] = field(default_factory=dict)  # old path -> slug
    card_font: str = ""  # the path of the font to write cards with; empty: the system's

    @property
    def root(self) -> str:
        """The path under which the pages stand: empty, or such as `/letters`."""
        return urlsplit(self.site.base_url).path.rstrip("/")

    @property
    def origin(self) -> str:
        """Scheme, host and port of the publication's address."""
        parts = urlsplit(self.site.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def direction(self) -> str:
        """The way that text runs on the pages: `ltr` or `rtl`."""
        return direction(self.language)

    def speaking(self, language: str) -> House:
        """The same house in `language` (BCP 47), where the theme's catalogues say its pages in it; else as it is."""
        if language == self.language or not _TAG.fullmatch(language):
            return self
        words, sample = self.theme.words(language), "Look into your inbox"
        known = words(sample) != sample or re.split("[-_]", language.lower())[0] == SOURCE
        return replace(self, words=words, language=language.replace("_", "-")) if known else self

    def for_reader(self, member: Member | None) -> House:
        """The house in the language of a reader, where that is known."""
        return self.speaking(member.language) if member else self

    def day(self, moment: datetime) -> str:
        """The day of a moment, where the publication is, as readers say it."""
        return day_text(moment.astimezone(self.publication.config.schedule.zone).date(), self.words)

    def apart(self, text: str) -> str:
        """A name or an address for the middle of a sentence: in Arabic or Persian it must not pull others along.

        Unicode Standard Annex 9, section 2.4: first strong isolate.
        """
        return f"\u2068{text}\u2069" if self.direction == "rtl" else text

    def page(self, template: str, title: str, **values: Any) -> str:
        """The page `template`, filled; `title` stands in the window and, on most pages, at the top."""
        common = {
            "_": self.words,
            "site": self.site,
            "root": self.root,
            "css": self.css,
            "language": self.language,
            "dir": self.direction,
            "title": title,
            "promise": promise(self.site.days, self.words),
            "static": self.static,
            "description": "",
            "canonical": "",
            "card": "",
            "postal": ", ".join(line.strip() for line in self.site.postal_address.splitlines() if line.strip()),
        }
        return str(_templates().get_template(template).render(common | values))


def open_house(publication: Publication, store: Store, now: Callable[[], datetime], **more: Any) -> House:
    """The house of a publication; raises NewsletterError where its key, issues or theme cannot be read."""
    look, site = publication.config.theme, open_desk(publication).site
    font = publication.config.public.card_font
    if font and not (publication.folder / font).is_file():
        raise ConfigError(f"[public] card_font: there is no file {font}", "name one from the publication's folder")
    theme = read_theme(publication.themes, look.name, look)
    return House(
        publication=publication,
        store=store,
        signer=open_signer(publication.state),
        site=site,
        theme=theme,
        words=theme.words(SOURCE),
        css=_tidy(theme.fill("web.css", {}) + _own_css()),
        tally=Tally(store),
        shelf=Shelf(store, lambda: _tags_of(publication)),
        now=now,
        card_font=str(publication.folder / font) if font else "",
        redirects=read_redirects(publication.folder),
        **more,
    ).speaking(site.language)


def _tags_of(publication: Publication) -> Mapping[str, tuple[str, ...]]:
    """The tags of each issue whose file is there and can be read."""
    try:
        return {issue.slug: issue.tags for issue in open_desk(publication).folder.issues}
    except NewsletterError:
        return {}


@lru_cache(maxsize=1)
def _templates() -> Any:
    """Jinja2 over the pages; compiled once."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("newsletter.web.public", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _own_css() -> str:
    from importlib.resources import files

    return files("newsletter.web.public").joinpath("pages/pages.css").read_text(encoding="utf-8")


def _tidy(css: str) -> str:
    return re.sub(r"\s*\n\s*", "\n", css).replace("</", "<\\/")
