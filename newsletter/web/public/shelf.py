"""The issues that were sent, as readers may see them on the web: the stored editions, never a fresh rendering."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

from sqlalchemy import select

from newsletter.delivery.states import BroadcastState
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts, editions

_SHOWN = ("slug", "subject", "preheader", "language", "web")
_BEGUN = (BroadcastState.SENDING, BroadcastState.PAUSED, BroadcastState.SENT)
_ARTICLE = re.compile(r"<article>(.*?)</article>", re.DOTALL)
_OPENING = re.compile(r'<header class="opening">.*?</header>', re.DOTALL)
_TITLE = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_SUBTITLE = re.compile(r'<p class="subtitle">(.*?)</p>', re.DOTALL)
_NO_FOLDER = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
_TAGS = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Published:
    """One issue that readers have. `listed` is false for one that went to a segment only: its page is for them."""

    slug: str
    title: str
    subtitle: str
    preheader: str
    language: str
    sent_at: datetime
    listed: bool
    tags: tuple[str, ...]
    page: str
    article: str
    words: str  # everything in it in small letters, for the search


@dataclass
class Shelf:
    """Reads the sent issues from the database; an edition is read once. `tags_of` gives the issues' tags by slug."""

    store: Store
    tags_of: Callable[[], Mapping[str, tuple[str, ...]]]
    _seen: tuple[object, ...] = ()
    _issues: tuple[Published, ...] = ()
    _editions: dict[str, dict[str, str]] = field(default_factory=dict)

    def issues(self) -> tuple[Published, ...]:
        """All of them, the newest first."""
        query = select(broadcasts.c.slug, broadcasts.c.digest, broadcasts.c.segment, broadcasts.c.started_at)
        query = query.where(broadcasts.c.state.in_(_BEGUN), broadcasts.c.started_at.is_not(None))
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(broadcasts.c.started_at.desc(), broadcasts.c.id.desc())).all()
            seen = tuple(tuple(row) for row in rows)
            if seen == self._seen:
                return self._issues
            missing = {row.digest for row in rows} - set(self._editions)
            for digest in missing:
                content = connection.execute(select(editions.c.content).where(editions.c.digest == digest)).scalar_one()
                self._editions[digest] = {key: text for key, text in json.loads(content).items() if key in _SHOWN}
        tags = self.tags_of()
        issues = tuple(
            publish(self._editions[row.digest], row.started_at, listed=not row.segment, tags=tags.get(row.slug, ()))
            for row in rows
        )
        self._issues, self._seen = issues, seen
        return issues

    def listed(self) -> tuple[Published, ...]:
        """Those that everybody may find, the newest first."""
        return tuple(issue for issue in self.issues() if issue.listed)

    def find(self, slug: str) -> Published | None:
        """The issue with this slug, or None where it was not sent."""
        return next((issue for issue in self.issues() if issue.slug == slug), None)

    def picture(self, slug: str, name: str) -> tuple[bytes, str] | None:
        """A picture on an issue's page and in its mails: its bytes and their media type."""
        if self.find(slug) is None:  # PostgreSQL would not even be asked for every word
            return None
        query = select(editions.c.content).join(broadcasts, broadcasts.c.digest == editions.c.digest)
        query = query.where(broadcasts.c.slug == slug, broadcasts.c.state.in_(_BEGUN))
        with self.store.reading() as connection:
            content = connection.execute(query).scalar()
        pictures = json.loads(content).get("pictures", ()) if content else ()
        found = next((picture for picture in pictures if picture["name"] == name), None)
        return (base64.b64decode(found["data"]), found["kind"]) if found else None

    def picture_names(self, slug: str) -> list[str]:
        """The names of an issue's pictures."""
        query = select(editions.c.content).join(broadcasts, broadcasts.c.digest == editions.c.digest)
        with self.store.reading() as connection:
            content = connection.execute(query.where(broadcasts.c.slug == slug)).scalar()
        return [picture["name"] for picture in json.loads(content).get("pictures", ())] if content else []


def publish(edition: Mapping[str, str], sent_at: datetime, *, listed: bool, tags: tuple[str, ...]) -> Published:
    """What the web shows of a stored edition."""
    page = edition["web"]
    article = _first(_ARTICLE, page)
    body = _OPENING.sub("", article, count=1).strip()
    title = _plain(_first(_TITLE, page)) or edition["subject"]
    subtitle = _plain(_first(_SUBTITLE, page))
    return Published(
        slug=edition["slug"],
        title=title,
        subtitle=subtitle,
        preheader=edition["preheader"],
        language=edition["language"],
        sent_at=sent_at,
        listed=listed,
        tags=tags,
        page=page,
        article=body,
        words=" ".join((title, subtitle, *tags, _plain(body))).casefold(),
    )


def search(issues: tuple[Published, ...], text: str) -> tuple[Published, ...]:
    """Those that hold every word of `text`, or a word that begins so."""
    words = text.casefold().split()[:10]
    return tuple(issue for issue in issues if all(word in issue.words for word in words))


def tag_path(tag: str) -> str:
    """A tag as one step of an address and as a folder's name on any system, never a way out of it."""
    name = _NO_FOLDER.sub("-", tag).encode()[:200].decode(errors="ignore")
    return name if name.strip(". ") else f"tag-{len(name)}"


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _plain(markup: str) -> str:
    return " ".join(unescape(_TAGS.sub(" ", markup)).split())
