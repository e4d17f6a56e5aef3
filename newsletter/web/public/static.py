"""The archive as files that any web server can show: the same pages, without a server behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.errors import NewsletterError
from newsletter.web.public import moved, reading, replies
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House
from newsletter.web.public.reading import PAGE, tags_of
from newsletter.web.public.sharing import NAME
from newsletter.web.public.shelf import tag_path

Page = Callable[[House, Ask], Answer]


def build(house: House, target: Path) -> list[Path]:
    """Write the archive into `target`, page by page; the files, in the order written.

    Raises NewsletterError where a file cannot be written.
    """
    return [_write(target / name, answer.body) for name, answer in _pages(replace(house, static=True))]


def _pages(house: House) -> Iterator[tuple[str, Answer]]:
    """The name of each file, and what is in it."""
    issues, listed = house.shelf.issues(), house.shelf.listed()
    for number in _numbers(len(listed)):
        yield f"{_folder(number)}index.html", reading.numbered(house, number)
    for tag in tags_of(listed):
        for number in _numbers(sum(tag in issue.tags for issue in listed)):
            page = reading.tagged(house, _asking(tag=tag, number=str(number)))
            yield f"tags/{tag_path(tag)}/{_folder(number)}index.html", page
    for issue in issues:
        yield f"{issue.slug}/index.html", reading.issue_page(house, _asking(slug=issue.slug))
        yield from _card(house, issue.slug)
        for name in house.shelf.picture_names(issue.slug):
            yield f"{issue.slug}/images/{name}", reading.picture(house, _asking(slug=issue.slug, name=name))
    yield from _card(house, "")
    machines: dict[str, Page] = {
        "feed.xml": reading.rss,
        "atom.xml": reading.atom,
        "feed.json": reading.json_feed,
        "sitemap.xml": reading.sitemap,
        "robots.txt": reading.robots,
    }
    for name, page_of in machines.items():
        yield name, page_of(house, _asking())
    yield from moved.pages(house)
    yield "404.html", replies.missing(house)


def _card(house: House, slug: str) -> Iterator[tuple[str, Answer]]:
    """The card of an issue, or of the publication; none without Pillow."""
    card = reading.card(house, _asking(slug=slug))
    if card.status == 200:
        yield f"{slug}/{NAME}".lstrip("/"), card


def _asking(**path: str) -> Ask:
    nothing: Mapping[str, str] = {}
    return Ask("GET", path, nothing, nothing, b"", "")


def _numbers(count: int) -> range:
    """The numbers of the pages that a list of so many issues fills."""
    return range(1, max(1, -(-count // PAGE)) + 1)


def _folder(number: int) -> str:
    return f"page/{number}/" if number > 1 else ""


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "choose another folder with -o") from None
    return path
