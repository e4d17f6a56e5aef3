"""Ghost: the JSON of Settings, Export; with `content/images` beside it where the export is a ZIP or folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from newsletter.errors import NewsletterError
from newsletter.moving.post import Markup, Post, Skipped
from newsletter.moving.reading import json_of, moment_of
from newsletter.moving.tree import Tree

_OWN = "__GHOST_URL__"  # stands for the site's own address


@dataclass(frozen=True)
class Ghost:
    """Its export, of version 1 to 6."""

    tree: Tree
    program = "ghost"
    roots = ("", "content")

    @staticmethod
    def fits(tree: Tree) -> bool:
        """Whether one of these files looks like its export."""
        return any('"posts"' in tree.text(name) and '"db"' in tree.text(name)[:2000] for name in tree.ending(".json"))

    def posts(self) -> Iterator[Post | Skipped]:
        """One post for each; pages are no issues."""
        name, data = self._data()
        tags = _names(data, "tags", "posts_tags", "tag_id")
        authors = _names(data, "users", "posts_authors", "author_id")
        more = {str(meta.get("post_id")): meta for meta in _rows(data, "posts_meta")}
        for row in _rows(data, "posts"):
            place = f"{name}: {row.get('title') or row.get('slug')}"
            if row.get("type", "post") != "post" or row.get("page") in (1, True):
                yield Skipped(place, "it is a page, not a post")
            elif not row.get("html"):
                yield Skipped(place, "the export has no HTML of it (save it once in Ghost's editor, then export again)")
            else:
                number = str(row.get("id"))
                yield _post(place, row, tags[number], ", ".join(authors[number]), more.get(number, {}))

    def _data(self) -> tuple[str, Mapping[str, Any]]:
        for name in self.tree.ending(".json"):
            found = json_of(self.tree, name)
            bases = found.get("db") if isinstance(found, dict) else None
            base = bases[0] if isinstance(bases, list) and bases else found
            data = base.get("data") if isinstance(base, dict) else None
            if isinstance(data, dict) and isinstance(data.get("posts"), list):
                return name, data
        raise NewsletterError(
            f"{self.tree.path}: no JSON with posts of Ghost", "export it in Settings, Migration tools"
        )


def _post(place: str, row: Mapping[str, Any], tags: list[str], author: str, meta: Mapping[str, Any]) -> Post:
    shown = str(row.get("visibility") or "public")
    notes = (f"it was for {shown} readers; now it is for all",) if shown != "public" else ()
    slug = str(row.get("slug") or "")
    return Post(
        place=place,
        title=str(row.get("title") or slug),
        body=str(row["html"]).replace(_OWN, ""),
        markup=Markup.HTML,
        slug=slug,
        description=str(row.get("custom_excerpt") or meta.get("meta_description") or ""),
        author=author,
        language=str(row.get("locale") or ""),
        tags=tuple(tag for tag in tags if not tag.startswith("#")),  # Ghost's own, which no reader sees
        published=moment_of(row.get("published_at") or row.get("created_at")),
        sent=row.get("status") in ("published", "sent"),
        cover=str(row.get("feature_image") or "").replace(_OWN, ""),
        cover_alt=str(meta.get("feature_image_alt") or ""),
        addresses=(f"/{slug}/",),
        notes=notes,
    )


def _rows(data: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    return [row for row in data.get(table) or [] if isinstance(row, dict)]


def _names(data: Mapping[str, Any], table: str, between: str, key: str) -> defaultdict[str, list[str]]:
    """The names of a post's tags or authors, by the post."""
    names = {str(row.get("id")): str(row.get("name") or row.get("slug") or "") for row in _rows(data, table)}
    found = defaultdict[str, list[str]](list)
    for row in sorted(_rows(data, between), key=lambda row: row.get("sort_order") or 0):
        if name := names.get(str(row.get(key))):
            found[str(row.get("post_id"))].append(name)
    return found
