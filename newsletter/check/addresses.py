"""What the address of a link or an image leads to, as far as the address itself tells."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urljoin, urlsplit

from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.render import links

_DOMAIN = re.compile(r"(?:[\w-]+\.)+(?P<last>[A-Za-z]{2,})(?=[/?#]|$)")
_FILES = frozenset("md markdown html htm php png jpg jpeg gif webp svg pdf txt zip csv".split())


def is_relative(target: str) -> bool:
    """Whether the address says nothing without the page it stands on (RFC 3986, section 4.2)."""
    target = target.strip()
    if target.startswith("{{") or PLAUSIBLE.match(target):  # only sending tells what a merge tag is
        return False
    return links.is_relative(target)


def absolute(target: str, page: str) -> str:
    """What somebody who typed the relative address `target` in the issue at `page` most likely meant."""
    domain = _DOMAIN.match(target)
    if domain and domain["last"].lower() not in _FILES:
        return f"https://{target}"
    return urljoin(page, target)


def file_of(target: str) -> str:
    """The path of a relative address, decoded, without what follows `?` or `#`."""
    return unquote(re.split(r"[?#]", target.strip(), maxsplit=1)[0])


def is_local(target: str) -> bool:
    """Whether only the author's own machine or network knows the address (RFC 6761, section 6.3; RFC 1918)."""
    try:
        parts = urlsplit(target)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme.lower() == "file" or host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_unspecified


def is_insecure(target: str) -> bool:
    """Whether the address is `http:` on the open web."""
    return target[:7].lower() == "http://" and not is_local(target)
