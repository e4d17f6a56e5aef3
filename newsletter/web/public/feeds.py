"""RSS 2.0, Atom (RFC 4287), JSON Feed 1.1 and a sitemap (sitemaps.org 0.9) of the sent issues: pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from urllib.parse import quote, urljoin

from newsletter.render.site import Site
from newsletter.web.public.shelf import Published, tag_path

LONGEST = 20  # issues in a feed
_OF_A_PAGE = frozenset(("popover", "popovertarget", "tabindex", "style", "data-columns"))
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def rss(site: Site, issues: Sequence[Published]) -> str:
    """The feed that most programs read."""
    items = "".join(
        f"<item><title>{_x(issue.title)}</title><link>{_x(site.page_of(issue.slug))}</link>"
        f'<guid isPermaLink="true">{_x(site.page_of(issue.slug))}</guid>'
        f"<pubDate>{format_datetime(issue.sent_at)}</pubDate>"
        + "".join(f"<category>{_x(tag)}</category>" for tag in issue.tags)
        + f"<description>{_x(issue.subtitle or issue.preheader)}</description>"
        f"<content:encoded>{_x(_article(site, issue))}</content:encoded></item>\n"
        for issue in issues[:LONGEST]
    )
    built = f"<lastBuildDate>{format_datetime(issues[0].sent_at)}</lastBuildDate>" if issues else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>\n'
        f"<title>{_x(site.name)}</title><link>{_x(site.base_url)}/</link>"
        f"<description>{_x(site.description or site.name)}</description><language>{_x(site.language)}</language>"
        f'<atom:link href="{_x(site.base_url)}/feed.xml" rel="self" type="application/rss+xml"/>{built}\n'
        f"{items}</channel></rss>\n"
    )


def atom(site: Site, issues: Sequence[Published]) -> str:
    """The same as Atom."""
    entries = "".join(
        f'<entry xml:lang="{_x(issue.language)}"><title>{_x(issue.title)}</title>'
        f"<id>{_x(site.page_of(issue.slug))}</id>"
        f'<link href="{_x(site.page_of(issue.slug))}"/><updated>{_stamp(issue.sent_at)}</updated>'
        f"<published>{_stamp(issue.sent_at)}</published>"
        + "".join(f'<category term="{_x(tag)}"/>' for tag in issue.tags)
        + f"<summary>{_x(issue.subtitle or issue.preheader)}</summary>"
        f'<content type="html">{_x(_article(site, issue))}</content></entry>\n'
        for issue in issues[:LONGEST]
    )
    updated = issues[0].sent_at if issues else datetime(1970, 1, 1, tzinfo=UTC)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        f'xml:lang="{_x(site.language)}">\n<title>{_x(site.name)}</title><id>{_x(site.base_url)}/</id>'
        f'<link href="{_x(site.base_url)}/"/><link rel="self" href="{_x(site.base_url)}/atom.xml"/>'
        f"<updated>{_stamp(updated)}</updated><author><name>{_x(site.name)}</name></author>\n{entries}</feed>\n"
    )


def json_feed(site: Site, issues: Sequence[Published]) -> str:
    """The same as JSON."""
    items = [
        {
            "id": site.page_of(issue.slug),
            "url": site.page_of(issue.slug),
            "title": issue.title,
            "summary": issue.subtitle or issue.preheader,
            "content_html": _article(site, issue),
            "date_published": _stamp(issue.sent_at),
            "language": issue.language,
            "tags": list(issue.tags),
        }
        for issue in issues[:LONGEST]
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.name,
        "description": site.description or site.name,
        "home_page_url": f"{site.base_url}/",
        "feed_url": f"{site.base_url}/feed.json",
        "language": site.language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1) + "\n"


def sitemap(site: Site, issues: Sequence[Published], tags: Sequence[str]) -> str:
    """All pages that a search engine may show."""
    pages = [f"<url><loc>{_x(site.base_url)}/</loc></url>\n"]
    pages += [
        f"<url><loc>{_x(site.page_of(issue.slug))}</loc><lastmod>{issue.sent_at:%Y-%m-%d}</lastmod></url>\n"
        for issue in issues
    ]
    pages += [f"<url><loc>{_x(site.base_url)}/tags/{_x(quote(tag_path(tag), safe=''))}/</loc></url>\n" for tag in tags]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{''.join(pages)}</urlset>\n"
    )


def _article(site: Site, issue: Published) -> str:
    """The text of an issue, as feed readers show it."""
    return _alone(issue.article, site.page_of(issue.slug))


@lru_cache(maxsize=2 * LONGEST)
def _alone(article: str, page: str) -> str:
    """An article without its page: all addresses whole, no pop-ups, no styles, which feed readers take away or show
    as they are.
    """
    from lxml import etree, html

    root = html.fragment_fromstring(article, create_parent="div")
    for element in list(root.iter(etree.Element)):
        for name in _OF_A_PAGE & set(element.attrib):
            del element.attrib[name]
        for name in ("href", "src"):
            if name in element.attrib:
                element.set(name, urljoin(page, element.get(name)))
        if element.tag == "button":
            element.drop_tag()
    blocks = (etree.tostring(block, method="html", encoding="unicode") for block in root)
    return (root.text or "") + "".join(blocks)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _x(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
