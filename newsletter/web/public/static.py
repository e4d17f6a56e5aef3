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
from newsletter.web.public.shelf import tag_path

Page = Callable[[House, Ask], Answer]


def build(house: House, target: Path) -> list[Path]:
    """Write the archive into `target`, page by page; the files, in the order written.

    Raises NewsletterError where a file cannot be written.
    """
    still = replace(house, static=True)
    issues = still.shelf.issues()
    listed = still.shelf.listed()
    pages = [(f"{_page(number)}index.html", reading.numbered(still, number)) for number in _numbers(len(listed))]
    for tag in tags_of(listed):
        count = sum(tag in issue.tags for issue in listed)
        pages += [
            (
                f"tags/{tag_path(tag)}/{_page(number)}index.html",
                reading.tagged(still, _asking(tag=tag, number=str(number))),
            )
            for number in _numbers(count)
        ]
    pages += [(f"{issue.slug}/index.html", reading.issue_page(still, _asking(slug=issue.slug))) for issue in issues]
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


def _numbers(count: int) -> range:
    """The numbers of the pages that a list of so many issues fills."""
    return range(1, max(1, -(-count // PAGE)) + 1)


def _page(number: int) -> str:
    return f"page/{number}/" if number > 1 else ""


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "choose another folder with -o") from None
    return path
