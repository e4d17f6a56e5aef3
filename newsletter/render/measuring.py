"""Measured links and the pixel: part of the edition, a variable in front of each address, empty for who objected.

    <a href="{{click_url}}https://example.org/">      https://letters.example/c/TOKEN?https://example.org/
    <img src="{{open_url}}">                          https://letters.example/o/TOKEN.gif

A reader sees where a link leads before following it, and what is behind the variable is the bare address. The text
part is never rewritten, nor is a link that is very long, is a variable itself or holds one: unsubscribing is not
measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote, unquote, urlsplit, urlunsplit

CLICK, OPEN = "click_url", "open_url"
# What an empty pixel is: one that asks nobody. Of this length it has no sign that a template engine would escape.
NO_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_PIXEL = f'<img src="{{{{{OPEN}}}}}" width="1" height="1" alt="" style="display:block;border:0">'
_LINK = re.compile(r'(<a(?:\s+[\w:-]+(?:="[^"]*")?)*?\s+href=")(?=https?://[^"{]{1,1500}")', re.I)
_MEASURED = re.compile(rf'href="\{{\{{{CLICK}\}}\}}([^"]*)"')
_SAFE = "%/:=&?~#+!$,;'@()*[]"


def measure(html: str, *, clicks: bool, opens: bool) -> str:
    """The HTML of an edition with its links and its end measured; the edition's variables then name what is used."""
    if clicks:
        html = _LINK.sub(lambda match: f"{match[1]}{{{{{CLICK}}}}}", html)
    if opens:
        head, body, rest = html.rpartition("</body>")
        html = f"{head}{_PIXEL}\n{body}{rest}"
    return html


def sources(*, clicks: bool, opens: bool) -> dict[str, str]:
    """The variables that measuring adds to an edition."""
    return {name: name for name, wanted in ((CLICK, clicks), (OPEN, opens)) if wanted}


def bare(html: str) -> str:
    """The HTML of an edition as an objecting reader has it, but for the variables of others."""
    return html.replace(f"{{{{{CLICK}}}}}", "").replace(_PIXEL + "\n", "")


@dataclass(frozen=True)
class Targets:
    """Where the measured links of an edition lead, and nowhere else is ever redirected to."""

    exact: Mapping[str, str]
    loose: Mapping[str, str]  # by what is left when all is unescaped: a program may escape signs on its way

    def find(self, query: str) -> str | None:
        """The address that a link's query asks for, as it stands in the edition; None for one that does not."""
        return self.exact.get(query) or self.loose.get(unquote(query))


def targets_of(html: str) -> Targets:
    """The targets of an edition's HTML.

    A browser keeps the fragment of the link itself (RFC 9110 section 10.2.2), so that two links that differ in it alone
    lead to the address without one.
    """
    exact: dict[str, str] = {}
    for match in _MEASURED.finditer(html):
        whole = unescape(match[1])
        address = whole.partition("#")[0]
        exact[address] = whole if exact.get(address, whole) == whole else address
    return Targets(exact, {unquote(address): whole for address, whole in exact.items()})


def location(address: str) -> str:
    """An address as a header may hold it (RFC 3986): signs beyond ASCII escaped, the host's name in Punycode."""
    parts = urlsplit(address)
    try:
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except UnicodeError:
        host = quote(parts.netloc)
    return quote(urlunsplit(parts._replace(netloc=host)), safe=_SAFE)
