"""The archive: all issues, an issue, a tag, a search, feeds, and the pages for machines."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from newsletter.web.public import feeds, replies, sharing
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House
from newsletter.web.public.shelf import Published, search, tag_path

PAGE = 40  # issues on a page of the archive: below 50 KB with long titles


def home(house: House, ask: Ask) -> Answer:
    """The first page of the archive, or what a search found."""
    query = " ".join(ask.query.get("q", "").split())[:100]
    if query:
        found = search(house.shelf.listed(), query)
        return archive(house, found, _count(ask.query.get("page", "")) or 1, query=query)
    return numbered(house, 1)


def later(house: House, ask: Ask) -> Answer:
    """A further page of the archive."""
    return numbered(house, _count(ask.path["number"]))


def numbered(house: House, number: int) -> Answer:
    """Page `number` (from 1) of the archive."""
    return archive(house, house.shelf.listed(), number)


def tagged(house: House, ask: Ask) -> Answer:
    """The issues with a tag, page by page."""
    asked = tag_path(ask.path["tag"])
    found = [(issue, tag) for issue in house.shelf.listed() for tag in issue.tags if tag_path(tag) == asked]
    if not found:
        return replies.missing(house)
    issues = dict.fromkeys(issue for issue, _ in found)
    return archive(house, tuple(issues), _count(ask.path.get("number", "1")), tag=found[0][1])


def archive(house: House, issues: Sequence[Published], number: int = 1, *, tag: str = "", query: str = "") -> Answer:
    """Page `number` of a list of issues: all, those with a tag, or those that a search found."""
    part = issues[(number - 1) * PAGE : number * PAGE] if number > 0 else ()
    if not part and number != 1:
        return replies.missing(house)
    _, name = house.words, house.site.name
    heading = _("Issues about %(tag)s", tag=house.apart(tag)) if tag else name
    if query:
        heading = _("Issues with “%(words)s”", words=house.apart(query))
    page = house.page(
        "archive.html",
        heading,
        issues=part,
        days={issue.slug: house.day(issue.sent_at) for issue in part},
        tag_path=tag_path,
        first=number == 1 and not tag and not query,
        tag=tag,
        query=query,
        newer=f"{house.root}/{_place(number - 1, tag, query)}" if number > 1 else "",
        older=f"{house.root}/{_place(number + 1, tag, query)}" if number * PAGE < len(issues) else "",
        description="" if query else house.site.description,
        canonical="" if query else f"{house.site.base_url}/{_place(number, tag, query)}",
        card="" if query else sharing.head_of(house),
    )
    return Answer.html(page)


def _place(number: int, tag: str, query: str) -> str:
    """The address, from the root, of page `number` of a list."""
    if query:
        return f"?{urlencode({'q': query} | ({'page': number} if number > 1 else {}))}"
    within = f"tags/{quote(tag_path(tag), safe='')}/" if tag else ""
    return f"{within}page/{number}/" if number > 1 else within


def _count(text: str) -> int:
    """The number of a page, 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def issue_page(house: House, ask: Ask) -> Answer:
    """The web page of an issue that was sent: the stored one, and the card for whoever shares it."""
    issue = house.shelf.find(ask.path["slug"])
    if issue is None:
        return replies.missing(house)
    headers = {} if issue.listed else {"X-Robots-Tag": "noindex"}
    return Answer(sharing.with_card(house, issue).encode(), headers=headers)


def card(house: House, ask: Ask) -> Answer:
    """The card of an issue, or of the publication."""
    slug = ask.path.get("slug", "")
    issue = house.shelf.find(slug) if slug else None
    drawn = sharing.card_of(house, issue) if issue or not slug else None
    if drawn is None:
        return replies.missing(house)
    return Answer(drawn.data, type="image/png", headers={"Cross-Origin-Resource-Policy": "cross-origin"})


def picture(house: House, ask: Ask) -> Answer:
    """A picture of an issue that was sent; mails show it too, so it may be kept for long."""
    found = house.shelf.picture(ask.path["slug"], ask.path["name"])
    if found is None:
        return replies.missing(house)
    headers = {"Cache-Control": "public, max-age=604800", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Answer(found[0], type=found[1], headers=headers)


def to_issue(house: House, ask: Ask) -> Answer:
    """An issue's address without its last slash; the target is made from a slug that we know."""
    issue = house.shelf.find(ask.path["slug"])
    if issue is None:
        return replies.missing(house)
    return Answer(b"", 308, "text/plain; charset=utf-8", headers={"Location": f"{house.root}/{quote(issue.slug)}/"})


def rss(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """The RSS feed."""
    return Answer(feeds.rss(house.site, house.shelf.listed()).encode(), type="application/rss+xml; charset=utf-8")


def atom(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """The Atom feed."""
    return Answer(feeds.atom(house.site, house.shelf.listed()).encode(), type="application/atom+xml; charset=utf-8")


def json_feed(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """The JSON Feed."""
    return Answer(feeds.json_feed(house.site, house.shelf.listed()).encode(), type="application/feed+json")


def sitemap(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """The sitemap."""
    issues = house.shelf.listed()
    return Answer(feeds.sitemap(house.site, issues, tags_of(issues)).encode(), type="application/xml")


def robots(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """What crawlers should know (RFC 9309)."""
    lines = [f"Disallow: {house.root}/{path}/" for path in ("unsubscribe", "confirm", "preferences", "move")]
    text = "\n".join(["User-agent: *", *lines, f"Sitemap: {house.site.base_url}/sitemap.xml", ""])
    return Answer(text.encode(), type="text/plain; charset=utf-8")


def health(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """Whether the pages and their database answer."""
    house.shelf.issues()
    return Answer(b"ok\n", type="text/plain; charset=utf-8", private=True)


def no_icon(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """Browsers ask for an icon, whether there is one or not."""
    return Answer(b"", 204, headers={"Cache-Control": "public, max-age=86400"})


def tags_of(issues: Sequence[Published]) -> list[str]:
    """All tags, in the alphabet's order."""
    return sorted({tag for issue in issues for tag in issue.tags})
