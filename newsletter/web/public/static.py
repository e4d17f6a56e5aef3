"""The archive as files that any web server can show: the same pages, without a server behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.errors import NewsletterError
from newsletter.web.public import reading, replies
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House
from newsletter.web.public.reading import PAGE, tags_of

Page = Callable[[House, Ask], Answer]


def build(house: House, target: Path) -> list[Path]:
    """Write the archive into `target`, page by page; the files, in the order written.

    Raises NewsletterError where a file cannot be written.
    """
    still = replace(house, static=True)
    issues = still.shelf.issues()
    listed = still.shelf.listed()
    pages: list[tuple[str, Answer]] = [("index.html", reading.numbered(still, 1))]
    for number in range(2, -(-len(listed) // PAGE) + 1):
        pages.append((f"page/{number}/index.html", reading.numbered(still, number)))
    pages += [(f"{issue.slug}/index.html", reading.issue_page(still, _asking(slug=issue.slug))) for issue in issues]
    pages += [(f"tags/{_folder(tag)}/index.html", reading.tagged(still, _asking(tag=tag))) for tag in tags_of(listed)]
    for issue in issues:
        for name in still.shelf.picture_names(issue.slug):
            pages.append((f"{issue.slug}/images/{name}", reading.picture(still, _asking(slug=issue.slug, name=name))))
    machines: dict[str, Page] = {
        "feed.xml": reading.rss,
        "atom.xml": reading.atom,
        "feed.json": reading.json_feed,
        "sitemap.xml": reading.sitemap,
        "robots.txt": reading.robots,
    }
    pages += [(name, page(still, _asking())) for name, page in machines.items()]
    pages.append(("404.html", replies.missing(still)))
    return [_write(target / name, answer.body) for name, answer in pages]


def _asking(**path: str) -> Ask:
    nothing: Mapping[str, str] = {}
    return Ask("GET", path, nothing, nothing, b"", "")


def _folder(tag: str) -> str:
    """A tag as one folder's name, never a way out of it; a server asked for the link's address finds it."""
    name = tag.replace("/", "%2F").replace("\0", "")
    return name.replace(".", "%2E") if name.strip(".") == "" else name


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "choose another folder with -o") from None
    return path
