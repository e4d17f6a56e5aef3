"""Rules about values that differ from reader to reader."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, Rule, rule
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.finding import Severity

GROUP = "merge tags"
# Fields that a subscriber may have left empty; an address and the links are always there.
_MAY_BE_EMPTY = re.compile(r"(?:(?:first_)?name|tags|fields\.\w+)\s*(?:\||$)")
_FOREIGN = re.compile(
    r"\*\|[A-Z_:]+\|\*|%%?(?:FIRST_?NAME|LAST_?NAME|NAME|EMAIL|recipient\.\w+|first_name|unsubscribe_url)%%?"
    r"|\[(?:firstname|lastname|fullname|unsubscribe|webversion)(?:,fallback=[^\]]*)?\](?![(\[:])|<<\s*First Name\s*>>",
)
_BROKEN = re.compile(
    r"(?<!\{)\{\s*(?P<field>(?:first_)?name|email|unsubscribe_url)\s*(?:\|[^{}]*)?\}(?!\})"
    r"|\{\{\s*(?P<open>(?:first_)?name|email|unsubscribe_url)\s*(?:\|[^{}]*)?\}(?!\})"
)
_DEFAULT = re.compile(r"\|\s*(?:default|then|unless)\b")  # a then() without default() is empty on purpose


@rule(
    "merge-tag-no-default", GROUP, Severity.WARNING, "A name, tag or own field without a default",
    why="Readers who gave no name see a hole: “Hello ,”.",
    source="our own: all that is known of every reader is the address",
    fix='{{ name | default("there") }}',
)  # fmt: skip
def merge_tag_no_default(inspection: Inspection) -> Iterator[Hit]:
    issue, typed = inspection.issue, False
    for key in ("subject", "preheader"):
        for match in PLAUSIBLE.finditer(getattr(issue, key)):
            if _bare(match[1]):
                typed = True
                yield Hit(
                    f"{match[0]} is empty for {_whom(match[1])}",
                    *inspection.place(key, "title"),
                    _with_default(match[1]),
                )
    for match in PLAUSIBLE.finditer(inspection.prose.text):
        if _bare(match[1]):
            typed = True
            yield Hit(
                f"{match[0]} is empty for {_whom(match[1])}", *inspection.at(match.start()), _with_default(match[1])
            )
    if not typed and any(map(_bare, inspection.edition.variables.values())):
        yield Hit("the theme uses a name without a default")


@rule(
    "merge-tag-foreign", GROUP, Severity.WARNING, "A merge tag of another program",
    why="Readers would see it as it was typed.",
    source="the tags of Mailchimp (*|FNAME|*), Campaign Monitor ([firstname]), Sendy, ActiveCampaign (%FIRSTNAME%)",
    fix='{{ first_name | default("there") }}',
)  # fmt: skip
def merge_tag_foreign(inspection: Inspection) -> Iterator[Hit]:
    for key in ("subject", "preheader"):
        if found := _FOREIGN.search(getattr(inspection.issue, key)):
            yield Hit(f"{found[0]} means nothing here", *inspection.place(key, "title"))
    for match in _FOREIGN.finditer(inspection.prose.text):
        yield Hit(f"{match[0]} means nothing here", *inspection.at(match.start()))


@rule(
    "merge-tag-broken", GROUP, Severity.WARNING, "A merge tag with too few braces",
    why="Readers would see it as it was typed.",
    source="docs/writing.md: two braces on each side",
    fix="{{ name }}",
)  # fmt: skip
def merge_tag_broken(inspection: Inspection) -> Iterator[Hit]:
    for key in ("subject", "preheader"):
        if found := _BROKEN.search(getattr(inspection.issue, key)):
            yield Hit(f"{found[0]} is no merge tag", *inspection.place(key, "title"), f"{{{{ {_field(found)} }}}}")
    for match in _BROKEN.finditer(inspection.prose.text):
        yield Hit(f"{match[0]} is no merge tag", *inspection.at(match.start()), f"{{{{ {_field(match)} }}}}")


def _with_default(source: str) -> str:
    return f'{{{{ {source.strip()} | default("there") }}}}'


def _whom(source: str) -> str:
    return "who gave no name" if re.match(r"\s*(?:first_)?name\b", source) else "who has none"


def _field(match: re.Match[str]) -> str:
    return str(match["field"] or match["open"])


def _bare(source: str) -> bool:
    return bool(_MAY_BE_EMPTY.match(source.strip())) and not _DEFAULT.search(source)


UNKNOWN = Rule(
    "merge-tag-unknown", GROUP, Severity.ERROR, "A merge tag that means nothing",
    why="Readers would see the braces as they were typed.",
    source="docs/writing.md: the fields and filters of merge tags",
    fix="correct its name, or put it in `code` to show it as typed",
)  # fmt: skip

RULES = (merge_tag_no_default, merge_tag_foreign, merge_tag_broken, UNKNOWN)
