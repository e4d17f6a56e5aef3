"""Rules about who the email says it is from: all about `[publication]` in newsletter.toml."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr

from newsletter.check.inspection import Inspection
from newsletter.check.rule import CONFIG_FILE, Hit, rule
from newsletter.finding import Severity

GROUP = "deliverability"
# Their owners publish a DMARC policy by which mail from others in their name is refused or put aside.
_FREE = frozenset(
    "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de ymail.com rocketmail.com aol.com "
    "outlook.com hotmail.com hotmail.co.uk live.com msn.com icloud.com me.com mac.com gmx.de gmx.net gmx.at "
    "web.de mail.ru yandex.ru proton.me protonmail.com qq.com 163.com t-online.de".split()
)
_NOBODY = ("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "nobody")


@rule(
    "sender-free", GROUP, Severity.ERROR, "The sender's address is at a free mail service",
    why="These services tell the world to refuse mail in their name that they did not send: yours would bounce.",
    source="RFC 7489 (DMARC), section 6.6; Google, Email sender guidelines: do not impersonate Gmail From: headers",
    fix='[publication] sender = "Name <hello@your-own-domain>"',
)  # fmt: skip
def sender_free(inspection: Inspection) -> Iterator[Hit]:
    domain = parseaddr(inspection.edition.sender)[1].rpartition("@")[2].lower()
    if domain in _FREE:
        yield Hit(f"the sender is at {domain}", file=CONFIG_FILE)


@rule(
    "sender-noreply", GROUP, Severity.WARNING, "Nobody reads the answers",
    why="Readers answer newsletters; an answer is the best sign to mailbox providers that they want it.",
    source="CAN-SPAM, 15 U.S.C. 7704(a)(3)(A): a return address that works; RFC 5322, section 3.6.2 (Reply-To)",
    fix='[publication] reply_to = "editors@your-own-domain"',
)  # fmt: skip
def sender_noreply(inspection: Inspection) -> Iterator[Hit]:
    address = parseaddr(inspection.edition.reply_to or inspection.edition.sender)[1].lower()
    if address.partition("@")[0].startswith(_NOBODY):
        yield Hit(f"answers go to {address}", file=CONFIG_FILE)


@rule(
    "sender-nameless", GROUP, Severity.WARNING, "The sender has no name",
    why="Inboxes show the bare address, and readers do not know who it is.",
    source="RFC 5322, section 3.4: the display name",
    fix='[publication] sender = "Name <hello@your-own-domain>"',
)  # fmt: skip
def sender_nameless(inspection: Inspection) -> Iterator[Hit]:
    name, address = parseaddr(inspection.edition.sender)
    if address and not name.strip():
        yield Hit(f"the sender is only {address}", file=CONFIG_FILE)


@rule(
    "list-id-missing", "headers and law", Severity.WARNING, "No List-Id header",
    why="Readers sort their mail by it, and providers know by it which mails belong together.",
    source="RFC 2919",
    fix="rendering sets it; take nothing out of the headers",
)  # fmt: skip
def list_id_missing(inspection: Inspection) -> Iterator[Hit]:
    headers = {name.lower(): value for name, value in inspection.edition.headers.items()}
    if "<" not in headers.get("list-id", ""):
        yield Hit("the header List-Id is missing, or has no <name> in it")


RULES = (sender_free, sender_noreply, sender_nameless)
HEADER_RULES = (list_id_missing,)
