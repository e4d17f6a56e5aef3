"""Substack: a ZIP of `posts.csv` and `posts/ID.SLUG.html`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from newsletter.moving.post import Markup, Post, Skipped
from newsletter.moving.reading import is_true, moment_of, named, rows_of
from newsletter.moving.tree import Tree


@dataclass(frozen=True)
class Substack:
    """Its export."""

    tree: Tree
    program = "substack"
    roots = ("",)

    @staticmethod
    def fits(tree: Tree) -> bool:
        """Whether these files look like its export."""
        return any(tree.text(name).startswith(("post_id", '"post_id"')) for name in named(tree, "posts.csv"))

    def posts(self) -> Iterator[Post | Skipped]:
        """One post for each row that has text; threads, podcasts and the like only where they have some."""
        table = next(named(self.tree, "posts.csv"))
        bodies = {PurePosixPath(name).name.split(".")[0]: name for name in self.tree.ending(".html")}
        for row in rows_of(self.tree, table):
            number, _, slug = row.get("post_id", "").partition(".")
            body = bodies.get(number)
            place = body or f"{table}: {row.get('title') or row.get('post_id')}"
            if body is None:
                yield Skipped(place, "the export has no text for it")
                continue
            yield _post(place, row, self.tree.text(body), slug or PurePosixPath(body).name.split(".")[1])


def _post(place: str, row: Mapping[str, str], body: str, slug: str) -> Post:
    notes = []
    if row.get("audience", "everyone") not in ("everyone", ""):
        notes.append(f"it was for {row['audience'].replace('_', ' ')} readers; now it is for all")
    if row.get("podcast_url"):
        notes.append(f"its sound stays at {row['podcast_url']}")
    return Post(
        place=place,
        title=row.get("title") or slug.replace("-", " ").capitalize(),
        subtitle=row.get("subtitle", ""),
        body=body,
        markup=Markup.HTML,
        slug=slug,
        published=moment_of(row.get("post_date")),
        sent=is_true(row.get("is_published")),
        addresses=(f"/p/{slug}",),
        folder=PurePosixPath(place).parent.as_posix(),
        notes=tuple(notes),
    )
