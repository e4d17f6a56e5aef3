"""What feeds and sitemaps must be, rule by rule, each function giving the faults of a text.

RSS 2.0 with the RSS Advisory Board's profile, Atom (RFC 4287), JSON Feed 1.1, Sitemaps 0.9. They take no liberty: what
a format forbids, or says nothing of, is a fault.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree, html

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d ([+-]\d{4}|GMT)")
_TAG = re.compile(r"[a-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_SAFE = frozenset(
    "a abbr article aside b blockquote br caption cite code dd del dfn div dl dt em figcaption figure h2 h3 h4 h5 h6 "
    "hr i img ins kbd li mark ol p pre q s samp small span strong sub sup table tbody td tfoot th thead tr u ul".split()
)
_SAFE_ATTRIBUTES = frozenset(
    "href src alt title class id role dir lang width height colspan rowspan scope start aria-label type value".split()
)


def rss_faults(text: str) -> list[str]:
    """RSS 2.0."""
    return list(_rss(ET.fromstring(text)))


def atom_faults(text: str) -> list[str]:
    """Atom."""
    return list(_atom(ET.fromstring(text)))


def json_faults(text: str) -> list[str]:
    """JSON Feed 1.1."""
    return list(_json(json.loads(text)))


def sitemap_faults(text: str) -> list[str]:
    """Sitemaps 0.9."""
    return list(_sitemap(ET.fromstring(text), len(text.encode())))


def _rss(root: ET.Element) -> Iterator[str]:
    if root.tag != "rss" or root.get("version") != "2.0" or [child.tag for child in root] != ["channel"]:
        yield "rss 2.0 with one channel"
        return
    channel = root[0]
    known = {"title", "link", "description", "language", "lastBuildDate", "item", f"{_ATOM}link"}
    yield from (f"channel has {child.tag}" for child in channel if child.tag not in known)
    yield from _once(channel, "title", "link", "description", "language", f"{_ATOM}link")
    yield from _address(channel.findtext("link"))
    yield from _tongue(channel.findtext("language"))
    own = channel.find(f"{_ATOM}link")
    if own is None or own.get("rel") != "self" or own.get("type") != "application/rss+xml":
        yield "no atom:link to itself"
    else:
        yield from _address(own.get("href"))
    yield from (fault for date in channel.iter("lastBuildDate") for fault in _mail_date(date.text))
    items = channel.findall("item")
    for item in items:
        yield from _once(item, "title", "link", "guid", "pubDate", "description", _CONTENT)
        yield from _address(item.findtext("link"))
        yield from _mail_date(item.findtext("pubDate"))
        guid = item.find("guid")
        if guid is not None and guid.attrib != {"isPermaLink": "true"}:
            yield f"guid {guid.attrib}"
        yield from _address(item.findtext("guid"))
        yield from _markup(item.findtext(_CONTENT) or "")
    yield from _different([item.findtext("guid") for item in items])
    yield from _falling([parsedate_to_datetime(item.findtext("pubDate") or "") for item in items])


def _atom(root: ET.Element) -> Iterator[str]:
    if root.tag != f"{_ATOM}feed":
        yield "no feed"
        return
    entries = root.findall(f"{_ATOM}entry")
    for part in (root, *entries):  # sections 4.1.1 and 4.1.2
        yield from _once(part, *(f"{_ATOM}{name}" for name in ("id", "title", "updated")))
        yield from _address(part.findtext(f"{_ATOM}id"))
        yield from _moment(part.findtext(f"{_ATOM}updated"))
        yield from _tongue(part.get(_LANG))
        links = part.findall(f"{_ATOM}link")
        yield from (fault for link in links for fault in _address(link.get("href")))
        ways = [(link.get("rel", "alternate"), link.get("type"), link.get("hreflang")) for link in links]
        if len(ways) != len(set(ways)) or "alternate" not in {way[0] for way in ways}:
            yield f"links {ways}"
    if "self" not in {link.get("rel") for link in root.findall(f"{_ATOM}link")}:
        yield "no link to itself"
    names = root.findall(f"{_ATOM}author/{_ATOM}name")
    if not names or not all((name.text or "").strip() for name in names):
        yield "no author's name"
    for entry in entries:
        yield from _moment(entry.findtext(f"{_ATOM}published"))
        content = entry.find(f"{_ATOM}content")
        if content is None or content.get("type") != "html" or len(content):
            yield "content is no escaped html"
        else:
            yield from _markup(content.text or "")
        yield from ("category without term" for each in entry.iter(f"{_ATOM}category") if not each.get("term"))
    yield from _different([entry.findtext(f"{_ATOM}id") for entry in entries])
    known = "title id link updated published author name entry summary content category feed".split()
    yield from (f"unknown {each.tag}" for each in root.iter() if each.tag not in {f"{_ATOM}{name}" for name in known})


def _json(feed: dict[str, Any]) -> Iterator[str]:
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield "version"
    known = {"version", "title", "home_page_url", "feed_url", "description", "language", "items", "icon", "authors"}
    yield from (f"unknown {name}" for name in feed if name not in known)
    yield from (f"empty {name}" for name, value in feed.items() if value == "")
    if not feed.get("title"):
        yield "no title"
    yield from (fault for name in ("home_page_url", "feed_url") for fault in _address(feed.get(name)))
    yield from _tongue(feed.get("language"))
    known = {"id", "url", "title", "summary", "content_html", "date_published", "language", "tags", "image"}
    for item in feed["items"]:
        yield from (f"unknown {name}" for name in item if name not in known)
        if not isinstance(item.get("id"), str) or not item.get("content_html"):
            yield "id and content are needed"
        yield from _address(item.get("url"))
        yield from _moment(item.get("date_published"))
        yield from _tongue(item.get("language"))
        yield from _markup(item.get("content_html", ""))
        if not all(isinstance(tag, str) and tag for tag in item.get("tags", [])):
            yield "tags"
    yield from _different([item.get("id") for item in feed["items"]])


def _sitemap(root: ET.Element, size: int) -> Iterator[str]:
    if root.tag != f"{_SITEMAP}urlset" or not 0 < len(root) <= 50_000 or size > 52_428_800:
        yield "urlset of 1 to 50,000 addresses"
    places = []
    for url in root:
        if url.tag != f"{_SITEMAP}url" or [each.tag for each in url][:1] != [f"{_SITEMAP}loc"]:
            yield f"{url.tag} without loc"
        place = url.findtext(f"{_SITEMAP}loc") or ""
        places.append(place)
        yield from _address(place)
        if len(place) >= 2048:
            yield f"{place} is too long"
        changed = url.findtext(f"{_SITEMAP}lastmod")
        if changed is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", changed):
            yield f"lastmod {changed}"
    yield from _different(places)
    if len({urlsplit(place).netloc for place in places}) != 1:
        yield "addresses of several hosts"


def _markup(text: str) -> Iterator[str]:
    """HTML within a feed: nothing that a reader must take away, and all addresses whole."""
    for element in html.fragment_fromstring(text, create_parent="div").iter(etree.Element):
        if element.tag not in _SAFE:
            yield f"<{element.tag}> in a feed"
        yield from (f'{name}="" on {element.tag}' for name in element.attrib if name not in _SAFE_ATTRIBUTES)
        for name in ("href", "src"):
            if name in element.attrib and not element.get(name).startswith("mailto:"):
                yield from _address(element.get(name))


def _once(parent: ET.Element, *names: str) -> Iterator[str]:
    for name in names:
        found = parent.findall(name)
        if len(found) != 1 or not (found[0].text or found[0].attrib):
            yield f"{name}: {len(found)}"


def _address(text: str | None) -> Iterator[str]:
    parts = urlsplit(text or "")
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or not str(text).isascii()
        or re.search(r"\s", str(text))
    ):
        yield f"address {text}"


def _moment(text: str | None) -> Iterator[str]:
    if not _RFC3339.fullmatch(text or ""):
        yield f"date {text}"


def _mail_date(text: str | None) -> Iterator[str]:
    match = _RFC822.fullmatch(text or "")
    if match is None or parsedate_to_datetime(text or "").strftime("%a") != match[1]:
        yield f"date {text}"


def _tongue(text: str | None) -> Iterator[str]:
    if not _TAG.fullmatch(text or ""):
        yield f"language {text}"


def _different(values: list[Any]) -> Iterator[str]:
    if len(set(values)) != len(values):
        yield "one id twice"


def _falling(moments: list[Any]) -> Iterator[str]:
    if moments != sorted(moments, reverse=True):
        yield "not the newest first"
