"""Rules about where links lead: to somebody's short address, past a counter, into a trap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, urlsplit

from newsletter.check.inspection import Inspection
from newsletter.check.mending import spaces_at_edges
from newsletter.check.rule import Hit, rule
from newsletter.check.source import Link, plain
from newsletter.finding import Severity

GROUP = "links"
_SHORTENERS = frozenset(
    "bit.ly tinyurl.com t.co goo.gl ow.ly buff.ly is.gd v.gd lnkd.in rebrand.ly cutt.ly shorturl.at t.ly tiny.cc "
    "bl.ink rb.gy dlvr.it trib.al fb.me j.mp amzn.to shorte.st adf.ly s.id tny.im soo.gd".split()
)
# What newsletters and advertisers put behind the addresses that they send to one person.
_PERSONAL = frozenset(
    "mc_eid mkt_tok _hsenc _hsmi vero_id vero_conv oly_enc_id oly_anon_id ck_subscriber_id __s ml_subscriber "
    "ml_subscriber_hash wickedid yclid fbclid gclid dclid msclkid twclid igshid igsh ttclid li_fat_id _openstat".split()
)
_SHOWN_HOST = re.compile(r"(?:https?://)?(?P<host>(?:[\w-]+\.)+[a-z]{2,})(?:[/:?#]\S*)?", re.IGNORECASE)
_MAILBOX = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+")


@rule(
    "link-shortener", GROUP, Severity.WARNING, "A shortened address",
    why="It shares the name of everybody who shortened an address for spam, and hides where it leads.",
    source="Word to the Wise, URL shortening and email: https://wordtothewise.com/2011/06/url-shortening-and-email",
    fix="open it and link to where it leads",
)  # fmt: skip
def link_shortener(inspection: Inspection) -> Iterator[Hit]:
    for link, parts in _web(inspection):
        host = (parts.hostname or "").removeprefix("www.")
        if host in _SHORTENERS and len(parts.path) > 1:
            yield Hit(f"{host} hides where the link leads", *inspection.at(link.at))


@rule(
    "link-personal", GROUP, Severity.WARNING, "An address that was made for one person",
    why="It was copied from an email or an advertisement: each of your readers would be counted as its first reader.",
    source="our own: parameters by which mailing and advertising services know people again (fbclid, mc_eid …)",
    fix="take the parameter out",
)  # fmt: skip
def link_personal(inspection: Inspection) -> Iterator[Hit]:
    for link, parts in _web(inspection):
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if name.lower() in _PERSONAL]
        if names:
            yield Hit(f'the address has "{names[0]}"', *inspection.at(link.at), f"take out {', '.join(names)}")


@rule(
    "link-tracking", GROUP, Severity.INFO, "An address with a campaign's parameters",
    why="Copied from elsewhere, they count your readers under somebody else's campaign.",
    source="our own: utm_… and its like; not on the publication's own pages",
    fix="take them out, unless they are your own",
)  # fmt: skip
def link_tracking(inspection: Inspection) -> Iterator[Hit]:
    own = urlsplit(inspection.site.base_url).hostname
    for link, parts in _web(inspection):
        names = [name for name, _ in parse_qsl(parts.query) if name.startswith(("utm_", "mc_cid", "pk_", "mtm_"))]
        if names and parts.hostname != own:
            yield Hit(f"the address has {', '.join(names[:4])}", *inspection.at(link.at))


@rule(
    "link-masked", GROUP, Severity.WARNING, "A link whose text shows another address",
    why="That is how phishing works, and filters look for it.",
    source="ClamAV, Phishing Signatures: https://docs.clamav.net/manual/Signatures/PhishSigs.html",
    fix="show the address that it leads to, or words",
)  # fmt: skip
def link_masked(inspection: Inspection) -> Iterator[Hit]:
    for link, parts in _web(inspection):
        shown = None if link.image or link.bare else _SHOWN_HOST.fullmatch(plain(link.text))
        if not shown or not shown[0].lower().startswith(("http://", "https://", "www.")):
            continue  # `Node.js` and `apps.example.io/v1` are names, not addresses
        if _site(shown["host"].lower()) != _site(parts.hostname or ""):
            message = f"the text shows {shown['host']}, the link leads to {parts.hostname}"
            yield Hit(message, *inspection.at(link.start))


@rule(
    "link-credentials", GROUP, Severity.ERROR, "A password in an address",
    why="Every reader would get it.",
    source="RFC 3986, section 3.2.1: user:password is deprecated",
    fix="take out what stands before the @, and change the password",
)  # fmt: skip
def link_credentials(inspection: Inspection) -> Iterator[Hit]:
    for link, parts in _web(inspection):
        if parts.password:  # the value is not repeated
            yield Hit(f"the address of {parts.hostname} holds a password", *inspection.at(link.at))


@rule(
    "link-mailto", GROUP, Severity.WARNING, "A mail link without a proper address",
    why="The reader's mail program opens and does not know to whom to write.",
    source="RFC 6068, section 2",
    fix="write mailto:name@example.org",
)  # fmt: skip
def link_mailto(inspection: Inspection) -> Iterator[Hit]:
    for link in inspection.links:
        scheme, _, rest = link.target.partition(":")
        to = rest.partition("?")[0]
        if scheme.lower() != "mailto" or "{{" in rest or (not to and "to=" in rest):
            continue
        if not all(_MAILBOX.fullmatch(one.strip()) for one in to.split(",")):
            yield Hit(f'"{to[:60]}" is no mail address', *inspection.at(link.at))


@rule(
    "link-spaces", GROUP, Severity.INFO, "White space at the edge of a link",
    why="It is underlined with the text, and in an address some programs take it for a part of it.",
    source="CommonMark 0.31, section 6.3",
    fix="take it out; --fix does it",
)  # fmt: skip
def link_spaces(inspection: Inspection) -> Iterator[Hit]:
    for link in inspection.links:
        if spans := spaces_at_edges(inspection.issue.body, link):
            yield Hit("the link begins or ends with white space", *inspection.at(spans[0][0]))


def _web(inspection: Inspection) -> Iterator[tuple[Link, SplitResult]]:
    for link in inspection.links:
        target = (
            f"https://{link.target}" if link.target.lower().startswith("www.") and link.bare else link.target.strip()
        )
        try:
            parts = urlsplit(target)
            _ = parts.hostname, parts.port
        except ValueError:
            continue
        if parts.scheme in ("http", "https"):
            yield link, parts


def _site(host: str) -> str:
    """The last two labels, three where the last two are short: `example.org`, `example.co.uk`."""
    labels = host.rstrip(".").split(".")
    many = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-many:])


RULES = (link_shortener, link_personal, link_tracking, link_masked, link_credentials, link_mailto, link_spaces)
