"""beehiiv: a CSV with a row and the whole HTML of each post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter.moving.post import Markup, Post, Skipped
from newsletter.moving.reading import moment_of, rows_of, texts
from newsletter.moving.tree import Tree


@dataclass(frozen=True)
class Beehiiv:
    """Its export."""

    tree: Tree
    program = "beehiiv"
    roots = ("",)

    @staticmethod
    def fits(tree: Tree) -> bool:
        """Whether one of these files looks like its export."""
        return any("content_html" in tree.text(name)[:4000] for name in tree.ending(".csv"))

    def posts(self) -> Iterator[Post | Skipped]:
        """One post for each row."""
        for name in self.tree.ending(".csv"):
            for row in rows_of(self.tree, name):
                if row.get("content_html"):
                    yield _post(name, row)
                elif "content_html" in row:
                    yield Skipped(f"{name}: {row.get('web_title') or row.get('id')}", "it has no text")


def _post(name: str, row: Mapping[str, str]) -> Post:
    path = urlsplit(row.get("url", "")).path
    slug = path.rstrip("/").rpartition("/")[2]
    title = row.get("web_title") or row.get("email_subject_line") or slug
    premium = "premium" in f"{row.get('audience')} {row.get('web_audiences')}" and "free" not in row.get("audience", "")
    cover = row.get("thumbnail_url", "")
    return Post(
        place=f"{name}: {title}",
        title=title,
        subtitle=row.get("web_subtitle", ""),
        description=row.get("email_preview_text", ""),
        body=row["content_html"],
        markup=Markup.HTML,
        slug=slug,
        tags=texts(row.get("content_tags")),
        published=moment_of(row.get("publish_date") or row.get("created_at")),
        sent=row.get("status", "confirmed") in ("confirmed", "archived", "published"),
        cover=f"https://media.beehiiv.com/{cover.lstrip('/')}" if cover.lstrip("/").startswith("uploads/") else cover,
        addresses=tuple(address for address in (path, row.get("url", "")) if address),
        notes=("it was for premium readers; now it is for all",) if premium else (),
    )
