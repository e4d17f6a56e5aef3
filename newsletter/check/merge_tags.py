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
_MAY_BE_EMPTY = re.compile(r"(?:first_)?name\s*(?:\||$)")
_DEFAULT = re.compile(r"\|\s*(?:default|then)\b")  # a then() without default() is empty on purpose


@rule(
    "merge-tag-no-default", GROUP, Severity.WARNING, "A name without a default",
    why="Readers who gave no name see a hole: “Hello ,”.",
    source="our own: name and first_name may be empty",
    fix='{{ name | default("there") }}',
)  # fmt: skip
def merge_tag_no_default(inspection: Inspection) -> Iterator[Hit]:
    issue, typed = inspection.issue, False
    for key in ("subject", "preheader"):
        for match in PLAUSIBLE.finditer(getattr(issue, key)):
            if _bare(match[1]):
                typed = True
                yield Hit(f"{match[0]} is empty for who gave no name", inspection.key(key, "title"), 1)
    for match in PLAUSIBLE.finditer(inspection.prose.text):
        if _bare(match[1]):
            typed = True
            yield Hit(f"{match[0]} is empty for who gave no name", *inspection.at(match.start()))
    if not typed and any(map(_bare, inspection.edition.variables.values())):
        yield Hit("the theme uses a name without a default")


def _bare(source: str) -> bool:
    return bool(_MAY_BE_EMPTY.match(source.strip())) and not _DEFAULT.search(source)


UNKNOWN = Rule(
    "merge-tag-unknown", GROUP, Severity.ERROR, "A merge tag that means nothing",
    why="Readers would see the braces as they were typed.",
    source="docs/writing.md: the fields and filters of merge tags",
    fix="correct its name, or put it in `code` to show it as typed",
)  # fmt: skip

RULES = (merge_tag_no_default, UNKNOWN)
