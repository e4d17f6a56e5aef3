"""Rules about what law and mailbox providers require of every email to many: a way out, and who sends it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import CONFIG_FILE, Hit, rule
from newsletter.finding import Severity
from newsletter.render.measuring import CLICK, OPEN

GROUP = "headers and law"
_THEME_FIX = "put {{ unsubscribe_url }} into the theme, or into the issue"


@rule(
    "unsubscribe-html", GROUP, Severity.ERROR, "No unsubscribe link in the HTML",
    why="Who cannot leave reports spam, and that harms the mail to everybody else.",
    source="CAN-SPAM, 16 CFR 316.5 and 15 U.S.C. 7704(a)(3); GDPR, article 7(3)",
    fix=_THEME_FIX,
)  # fmt: skip
def unsubscribe_html(inspection: Inspection) -> Iterator[Hit]:
    places = _unsubscribe_variables(inspection)
    if not any(place in str(href) for href in inspection.tree.xpath("//a/@href") for place in places):
        yield Hit("the HTML has no link to unsubscribe")


@rule(
    "unsubscribe-text", GROUP, Severity.ERROR, "No unsubscribe link in the text part",
    why="Who reads the text part must be able to leave as well.",
    source="CAN-SPAM, 15 U.S.C. 7704(a)(3); GDPR, article 7(3)",
    fix=_THEME_FIX,
)  # fmt: skip
def unsubscribe_text(inspection: Inspection) -> Iterator[Hit]:
    if not any(place in inspection.edition.text for place in _unsubscribe_variables(inspection)):
        yield Hit("the text part has no link to unsubscribe")


@rule(
    "unsubscribe-header", GROUP, Severity.ERROR, "No List-Unsubscribe header",
    why="Gmail and Yahoo require it of who sends to many, and show its button beside the sender's name.",
    source="RFC 2369, section 3.2; Google, Email sender guidelines (2024)",
    fix="rendering sets it; take nothing out of the headers",
)  # fmt: skip
def unsubscribe_header(inspection: Inspection) -> Iterator[Hit]:
    value = _header(inspection, "list-unsubscribe")
    addresses = re.findall(r"<([^<>]*)>", value)
    if not any(place in address for address in addresses for place in _unsubscribe_variables(inspection)):
        yield Hit("the header List-Unsubscribe is missing or has no <address> of the reader's own")


@rule(
    "unsubscribe-one-click", GROUP, Severity.ERROR, "No one-click unsubscribe",
    why="Without it mailbox providers open a page instead of a button that works at once.",
    source="RFC 8058, section 3.1: List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    fix="rendering sets it; take nothing out of the headers",
)  # fmt: skip
def unsubscribe_one_click(inspection: Inspection) -> Iterator[Hit]:
    if _header(inspection, "list-unsubscribe-post").strip() != "List-Unsubscribe=One-Click":
        yield Hit("the header List-Unsubscribe-Post is missing or says something else")


@rule(
    "postal-address-missing", GROUP, Severity.ERROR, "No postal address",
    why="The law of several countries wants to know where the sender can be reached by post.",
    source="CAN-SPAM, 15 U.S.C. 7704(a)(5)(A)(iii) and 16 CFR 316.2(p)",
    fix='[publication] postal_address = "Name, Street 1, 12345 Town, Country"',
)  # fmt: skip
def postal_address_missing(inspection: Inspection) -> Iterator[Hit]:
    wanted = _letters(inspection.site.postal_address)
    if not wanted:
        yield Hit("the publication has no postal address", file=CONFIG_FILE)
        return
    parts = {"HTML": str(inspection.tree.text_content()), "text part": inspection.edition.text}
    for name, content in parts.items():
        if wanted not in _letters(content):
            yield Hit(f"the {name} does not show the postal address", fix="show it at the foot of the theme")


@rule(
    "measuring-unsaid", GROUP, Severity.ERROR, "Counting that the mail does not tell of",
    why="Who is counted must be told so, and be able to object.",
    source="GDPR, articles 13 and 21; Directive 2002/58/EC, article 5(3)",
    fix='keep the theme\'s words on it, or put <a href="{{ unsubscribe_url }}?settings"> into its footer',
)  # fmt: skip
def measuring_unsaid(inspection: Inspection) -> Iterator[Hit]:
    if not {CLICK, OPEN} & set(inspection.edition.variables.values()):
        return
    ways = [f"{place}?settings" for place in _unsubscribe_variables(inspection)]
    for name, content in (("HTML", inspection.edition.html), ("text part", inspection.edition.text)):
        if not any(way in content for way in ways):
            yield Hit(f"clicks or opens are counted, and the {name} has no link to object")


def _unsubscribe_variables(inspection: Inspection) -> tuple[str, ...]:
    variables = inspection.edition.variables.items()
    return tuple(f"{{{{{name}}}}}" for name, source in variables if source.strip().startswith("unsubscribe"))


def _header(inspection: Inspection, wanted: str) -> str:
    return next((value for name, value in inspection.edition.headers.items() if name.lower() == wanted), "")


def _letters(text: str) -> str:
    """`text` without what a theme may change between an address's parts: spaces, commas, line breaks."""
    return "".join(re.findall(r"\w+", text)).casefold()


RULES = (
    unsubscribe_html,
    unsubscribe_text,
    unsubscribe_header,
    unsubscribe_one_click,
    postal_address_missing,
    measuring_unsaid,
)
