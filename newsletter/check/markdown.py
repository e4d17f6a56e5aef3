"""Rules about the Markdown itself: what was typed and will not look as it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, Rule, rule
from newsletter.finding import Severity

GROUP = "Markdown source"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_MARKS_ONLY = re.compile(r"[\s#>*_=`~|+\-]*\Z")


@rule(
    "body-empty", GROUP, Severity.ERROR, "The issue has no text",
    why="Readers would get an empty email.",
    source="our own",
    fix="write the issue below the front matter",
)  # fmt: skip
def body_empty(inspection: Inspection) -> Iterator[Hit]:
    if _MARKS_ONLY.match(_COMMENT.sub("", inspection.issue.body)):
        yield Hit("there is nothing below the front matter and the title", inspection.issue.body_line, 1)


@rule(
    "code-fence-open", GROUP, Severity.WARNING, "A code fence that is never closed",
    why="All that follows is shown as code, links and headings with it.",
    source="CommonMark 0.31, section 4.5: an open fence goes on to the end",
    fix="close it with a line of the same marks",
)  # fmt: skip
def code_fence_open(inspection: Inspection) -> Iterator[Hit]:
    row = inspection.prose.unclosed
    if row is not None:
        line = inspection.issue.body.split("\n")[row]
        column = len(line) - len(line.lstrip()) + 1
        yield Hit("the code that starts here is never closed", inspection.issue.body_line + row, column)


@rule(
    "heading-skipped", GROUP, Severity.INFO, "A heading level is skipped",
    why="Who listens to the issue walks from heading to heading, and a missing level sounds like a missing part.",
    source="WCAG 2.2, success criterion 1.3.1 (A), technique G141; the title is level 1",
    fix="use one # more than the heading above, not two",
)  # fmt: skip
def heading_skipped(inspection: Inspection) -> Iterator[Hit]:
    # As in the email: the title is level 1, and a body that has headings of level 1 is moved below it.
    shift = 1 if any(heading.level == 1 for heading in inspection.headings) else 0
    last = 1
    for heading in inspection.headings:
        level = heading.level + shift
        if level > last + 1:
            message = f"a heading of level {level} follows one of level {last}"
            yield Hit(message, inspection.issue.body_line + heading.line, 1)
        last = level


HTML_REMOVED = Rule(
    "html-removed", GROUP, Severity.WARNING, "HTML that was taken out",
    why="Scripts, frames and forms do not work in mail programs, and some make an email look like an attack.",
    source="our own: the elements and attributes that an email may have",
    fix="take it out, or say it in Markdown",
)  # fmt: skip
NESTING = Rule(
    "nesting-too-deep", GROUP, Severity.WARNING, "Lists, quotes, HTML or links nested too deeply",
    why="They are flattened, since no screen is wide enough for them; such links are shown as text.",
    source="our own: 20 levels of lists and quotes, 100 of HTML, 8 of links",
    fix="nest less deeply",
)  # fmt: skip
LONG_LINE = Rule(
    "line-too-long", GROUP, Severity.WARNING, "A line too long for Markdown",
    why="It is shown as it is, without links and emphasis.",
    source="our own: 40,000 characters",
    fix="break the line",
)  # fmt: skip

WIDE_TABLE = Rule(
    "table-too-wide", GROUP, Severity.WARNING, "A table too wide to be one",
    why="It is shown as text, since no screen is wide enough for it.",
    source="our own: 200 columns",
    fix="make it narrower",
)  # fmt: skip
ABBREVIATIONS = Rule(
    "abbreviations-too-many", GROUP, Severity.WARNING, "More abbreviations than are explained",
    why="The rest is not explained, and nobody could tell why.",
    source="our own: 200; each is looked for at each letter",
    fix="leave out those that readers know",
)  # fmt: skip

RULES = (
    body_empty, code_fence_open, heading_skipped, HTML_REMOVED, NESTING, LONG_LINE, WIDE_TABLE, ABBREVIATIONS,
)  # fmt: skip
