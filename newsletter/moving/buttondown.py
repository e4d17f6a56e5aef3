"""Buttondown: a ZIP of `emails/SLUG.md` with `emails.csv` or `emails.json`, or its program's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from newsletter.moving.post import Markup, Post, Skipped
from newsletter.moving.reading import front_of, json_of, moment_of, named, one, rows_of, texts
from newsletter.moving.tree import Tree

_UNSENT = ("draft", "scheduled", "about_to_send", "transactional")


@dataclass(frozen=True)
class Buttondown:
    """Its export; the body is Markdown already."""

    tree: Tree
    program = "buttondown"
    roots = ("media", "")

    @staticmethod
    def fits(tree: Tree) -> bool:
        """Whether these files look like its export."""
        return any(name.split("/")[-2:-1] == ["emails"] for name in tree.ending(".md")) or any(
            True for _ in named(tree, "emails.csv")
        )

    def posts(self) -> Iterator[Post | Skipped]:
        """One post for each email; what a table says of it fills what its front matter does not."""
        table = self._table()
        for name in self.tree.ending(".md"):
            if "emails" not in PurePosixPath(name).parts[:-1]:
                continue
            front, body = front_of(self.tree, name)
            stem = PurePosixPath(name).stem
            row = dict(table.get(stem, {})) | {key: value for key, value in front.items() if value}
            yield _post(name, row, body, stem)

    def _table(self) -> Mapping[str, Mapping[str, Any]]:
        for name in named(self.tree, "emails.json"):
            found = json_of(self.tree, name)
            rows = found if isinstance(found, list) else []
            return {str(row.get("slug")): row for row in rows if isinstance(row, dict)}
        for name in named(self.tree, "emails.csv"):
            return {row.get("slug", ""): row for row in rows_of(self.tree, name)}
        return {}


def _post(name: str, row: Mapping[str, Any], body: str, stem: str) -> Post:
    kind = one(row, "email_type", "type")
    notes = (f"it was for {kind} readers only; now it is for all",) if kind in ("private", "premium") else ()
    published = moment_of(one(row, "publish_date", "date"))
    slug = one(row, "slug") or stem
    return Post(
        place=name,
        title=one(row, "subject", "title") or stem,
        body=body.replace("<!-- buttondown-editor-mode: plaintext -->", "")
        .replace("<!-- buttondown-editor-mode: fancy -->", "")
        .strip("\n"),
        markup=Markup.MARKDOWN,
        slug=slug,
        description=one(row, "description"),
        tags=texts(row.get("tags")),
        published=published,
        sent=one(row, "status") not in _UNSENT and published is not None,
        cover=one(row, "image"),
        addresses=tuple(address for address in (f"/archive/{slug}/", one(row, "absolute_url")) if address),
        folder=PurePosixPath(name).parent.as_posix(),
        notes=notes,
    )
