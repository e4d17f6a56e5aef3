"""Addresses in an issue made whole: an email has no page that they could be relative to."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from lxml import html

from newsletter.render.site import Site

_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def is_relative(address: str) -> bool:
    """Whether `address` says nothing without the page it stands on (RFC 3986 section 4.2)."""
    return bool(address) and not address.startswith(("#", "//")) and not _WHOLE.match(address)


def resolve(address: str, site: Site, slug: str) -> str:
    """`address` as a web address: another issue's file or slug means its page, the rest is relative to this page."""
    if address.startswith("//"):
        return "https:" + address
    if not is_relative(address):
        return address
    path, mark, fragment = address.partition("#")
    issue = site.issue(path) if path.endswith((".md", ".markdown")) or "/" not in path.strip("/") else None
    if issue:
        return site.page_of(issue.slug) + mark + fragment
    return urljoin(site.page_of(slug), address)


def resolve_all(root: html.HtmlElement, site: Site, slug: str, token: str) -> None:
    """Resolve each `href` and `src` below `root`, in place; what starts with `token` is a merge tag and stays."""
    for element in root.iter("a", "img"):
        for name in ("href", "src"):
            address = (element.get(name) or "").strip()
            if address and not address.startswith(token):
                element.set(name, resolve(address, site, slug))
