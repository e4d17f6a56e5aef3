"""Rules about the parts that are sent: the text beside the HTML, long lines, style sheets, the balance of the two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.finding import Severity

TEXT_GROUP, SIZE_GROUP, DELIVERY_GROUP = "text part", "size and speed", "deliverability"
_LONGEST_LINE = 998


@rule(
    "text-part-empty", TEXT_GROUP, Severity.ERROR, "The text part is empty",
    why="Watches, screen readers and spam filters read it; next to a full HTML part an empty one looks like a trick.",
    source="RFC 2046, section 5.1.4: the parts say the same",
    fix="the theme: show {{ body }} in email.txt",
)  # fmt: skip
def text_part_empty(inspection: Inspection) -> Iterator[Hit]:
    wanted = len(re.findall(r"\w+", inspection.words))
    has = len(re.findall(r"\w+", inspection.edition.text))
    if has * 3 < wanted:
        yield Hit(f"the text part has {has} words, the issue {wanted}")


@rule(
    "text-part-link-missing", TEXT_GROUP, Severity.WARNING, "A link that the text part does not have",
    why="Who reads the text part cannot follow it.",
    source="RFC 2046, section 5.1.4: the parts say the same",
    fix="the theme's email.txt: show addresses behind their texts",
)  # fmt: skip
def text_part_link_missing(inspection: Inspection) -> Iterator[Hit]:
    text = re.sub(r"\s+", "", unquote(inspection.edition.text))
    for url, place in inspection.addresses.items():
        bare = re.sub(r"\s+", "", unquote(url)).partition("//")[2].rstrip("/")
        if place and bare not in text and not _is_image(inspection, url):
            yield Hit(f'"{url[:80]}" is not in the text part', *place)


@rule(
    "line-over-limit", SIZE_GROUP, Severity.ERROR, "A line that is too long for email",
    why="Servers cut it or refuse the email.",
    source=f"RFC 5322, section 2.1.1: a line has at most {_LONGEST_LINE} characters",
    fix="break the line; in a theme, between two tags",
)  # fmt: skip
def line_over_limit(inspection: Inspection) -> Iterator[Hit]:
    for name, content in (("text part", inspection.edition.text), ("HTML", inspection.edition.html)):
        longest = max(content.split("\n"), key=lambda line: len(line.encode()), default="")
        if len(longest.encode()) > _LONGEST_LINE:
            place = inspection.locate(re.sub(r"<[^<>]*>", " ", longest)[:200])
            yield Hit(f"a line of the {name} has {len(longest.encode())} bytes", *place)


@rule(
    "style-block-large", SIZE_GROUP, Severity.WARNING, "Style sheets that Gmail takes out",
    why="Without them the email does not adapt to phones.",
    source="https://github.com/hteumeuleu/caniemail/issues/144: Gmail drops what is over 16 KB of styles",
    fix="the theme's head.css: keep only what cannot be inlined", limit=16,
)  # fmt: skip
def style_block_large(inspection: Inspection, limit: float) -> Iterator[Hit]:
    size = sum(len((style.text or "").encode()) for style in inspection.tree.iter("style")) / 1024
    if size > limit:
        yield Hit(f"the styles in the head have {size:.0f} KB, more than {limit:g}")


@rule(
    "code-wide", SIZE_GROUP, Severity.INFO, "Code with long lines",
    why="On a phone it has to be pushed from side to side, or wraps where it should not.",
    source="our own: PEP 8 has 79 characters, a phone shows about 40",
    fix="break the line", limit=100,
)  # fmt: skip
def code_wide(inspection: Inspection, limit: float) -> Iterator[Hit]:
    code, prose = inspection.issue.body.split("\n"), inspection.prose.text.split("\n")
    for number, line in enumerate(code):
        if len(line) > limit and not prose[number].strip() and line.strip() and not line.lstrip().startswith("<!--"):
            message = f"a line of code has {len(line)} characters, more than {limit:g}"
            yield Hit(message, inspection.issue.body_line + number, int(limit) + 1)


@rule(
    "image-only", DELIVERY_GROUP, Severity.WARNING, "Much image and little text",
    why="Where images are not loaded, nothing is left; and filters know the like from spam.",
    source="SpamAssassin, HTML_IMAGE_ONLY_04: an image and less than 400 bytes of words",
    fix="say in words what the images show", limit=400,
)  # fmt: skip
def image_only(inspection: Inspection, limit: float) -> Iterator[Hit]:
    image = next((link for link in inspection.links if link.image), None)
    words = " ".join(re.findall(r"\w+", inspection.words))
    if image and len(words.encode()) < limit:
        message = f"beside images the issue has {len(words.encode())} bytes of words, less than {limit:g}"
        yield Hit(message, *inspection.at(image.start))


def _is_image(inspection: Inspection, url: str) -> bool:
    return any(link.image and unquote(link.target) == unquote(url) for link in inspection.links)


RULES = (text_part_empty, text_part_link_missing)
SIZE_RULES = (line_over_limit, style_block_large, code_wide)
DELIVERY_RULES = (image_only,)
