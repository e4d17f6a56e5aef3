"""Old addresses of issues that came from another program (`redirects.toml`): who asks for one is sent on."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from newsletter.web.public.exchange import Answer
from newsletter.web.public.house import House


def sent_on(house: House, path: str) -> Answer | None:
    """A lasting redirect (RFC 9110 section 15.4.2) from an old path to the issue's page; None where there is none."""
    slug = house.redirects.get(path) or house.redirects.get(f"{path}/") or house.redirects.get(path.rstrip("/"))
    if not slug or house.shelf.find(slug) is None:
        return None
    return Answer(b"", 301, "text/plain; charset=utf-8", headers={"Location": f"{house.root}/{quote(slug)}/"})


def pages(house: House) -> Iterator[tuple[str, Answer]]:
    """The same for an archive without a server: (file, a page that leads on) for each old path that a file can have."""
    for path, slug in house.redirects.items():
        if house.shelf.find(slug) is None:
            continue
        name = path.strip("/")
        file = name if name.endswith((".html", ".htm")) else f"{name}/index.html"
        target = escape(f"{house.site.base_url}/{quote(slug)}/")
        page = (
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(slug)}</title>'
            f'<link rel="canonical" href="{target}"><meta name="robots" content="noindex">'
            f'<meta http-equiv="refresh" content="0; url={target}"></head>'
            f'<body><p><a href="{target}">{target}</a></p></body></html>\n'
        )
        yield file, Answer.html(page)
