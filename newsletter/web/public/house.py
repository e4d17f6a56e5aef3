"""What the public pages stand on: one publication, its database and key, the sent issues, the look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from newsletter.audience.tokens import Signer, open_signer
from newsletter.errors import NewsletterError
from newsletter.pipeline.desk import open_desk
from newsletter.providers.anymail_events import Service
from newsletter.publication import Publication
from newsletter.render.language import direction, promise
from newsletter.render.site import Site
from newsletter.render.theme import read_theme
from newsletter.render.words import Words
from newsletter.store.database import Store
from newsletter.web.public.inbox import Inbox
from newsletter.web.public.limits import Limits
from newsletter.web.public.shelf import Shelf
from newsletter.web.public.tally import Tally


@dataclass(frozen=True)
class House:
    """Everything that a page needs. `static` pages have no server behind them: no search, no forms of their own."""

    publication: Publication
    store: Store
    signer: Signer
    site: Site
    words: Words
    css: str
    shelf: Shelf
    tally: Tally
    now: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    secret: str = ""  # of the provider's webhooks; without one they are not taken
    anymail: Mapping[str, Service] = field(default_factory=dict)  # the services whose webhooks are taken
    inbox: Inbox | None = None  # where their events go
    ring: Callable[[], None] = lambda: None  # tells the post room that there is something to do
    static: bool = False

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
    def language(self) -> str:
        """The language that the pages are in: English, until the theme's catalogues have their words."""
        sample = "Look into your inbox"
        return self.site.language if self.words(sample) != sample else "en"

    def page(self, template: str, title: str, **values: Any) -> str:
        """The page `template`, filled; `title` stands in the window and, on most pages, at the top."""
        common = {
            "_": self.words,
            "site": self.site,
            "root": self.root,
            "css": self.css,
            "language": self.language,
            "dir": direction(self.language),
            "title": title,
            "promise": promise(self.site.days, self.words),
            "static": self.static,
            "description": "",
            "canonical": "",
            "postal": ", ".join(line.strip() for line in self.site.postal_address.splitlines() if line.strip()),
        }
        return str(_templates().get_template(template).render(common | values))


def open_house(publication: Publication, store: Store, now: Callable[[], datetime], **more: Any) -> House:
    """The house of a publication; raises NewsletterError where its key, issues or theme cannot be read."""
    look, site = publication.config.theme, open_desk(publication).site
    theme = read_theme(publication.themes, look.name, look)
    return House(
        publication=publication,
        store=store,
        signer=open_signer(publication.state),
        site=site,
        words=theme.words(site.language),
        css=_tidy(theme.fill("web.css", {}) + _own_css()),
        tally=Tally(store),
        shelf=Shelf(store, lambda: _tags_of(publication)),
        now=now,
        **more,
    )


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
