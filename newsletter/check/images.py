"""Rules about images: that readers can load them, and know what they show when they cannot see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from newsletter.check.addresses import absolute, is_relative
from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, Rule, rule
from newsletter.check.source import Link
from newsletter.finding import Severity

GROUP = "images"
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|webp|svg|avif|bmp)|(?:IMG|DSC|Screenshot)[ _-]?\d\S*", re.IGNORECASE)


def _images(inspection: Inspection) -> Iterator[Link]:
    return (link for link in inspection.links if link.image)


@rule(
    "image-relative", GROUP, Severity.ERROR, "An image with a relative address",
    why="An email has no page or folder that an address could be relative to: readers see an empty frame.",
    source="RFC 3986, section 5.1: without a base, only an absolute address has a meaning; docs/images.md",
    fix="put the image beside the issue, or on the web and write its whole address",
)  # fmt: skip
def image_relative(inspection: Inspection) -> Iterator[Hit]:
    reported, places = set(), set()
    had = {picture.source for picture in inspection.edition.pictures}
    told = {(found.line, found.column) for found in inspection.edition.findings if found.rule == IMAGE_FILE.id}
    for image in _images(inspection):
        if not is_relative(image.target):
            continue
        reported.add(unquote(image.target))
        if image.at not in places and image.target not in had and inspection.at(image.at) not in told:
            places.add(image.at)
            fix = f"write the whole address: {absolute(image.target, inspection.page)}"
            yield Hit(f'the image "{image.target}" has no whole address', *inspection.at(image.at), fix)
    for target in dict.fromkeys(map(str, inspection.tree.xpath("//img/@src"))):
        if is_relative(target) and unquote(target) not in reported:
            yield Hit(f'the rendered email has the image "{target}", which no reader can load')


@rule(
    "image-alt-missing", GROUP, Severity.WARNING, "An image without description",
    why="Many mail programs show no images until asked, and some readers never see them.",
    source="WCAG 2.2, success criterion 1.1.1 (A)",
    fix='say what it shows: ![a cat asleep on a keyboard](…); for mere decoration <img alt="" src="…">',
)  # fmt: skip
def image_alt_missing(inspection: Inspection) -> Iterator[Hit]:
    for image in _images(inspection):
        if image.alt is None:
            yield Hit(f'the image "{image.target[-60:]}" has no description', *inspection.at(image.start))


@rule(
    "image-alt-file-name", GROUP, Severity.WARNING, "An image whose description is a file's name",
    why="A name such as IMG_2034.png tells nothing about the picture.",
    source="WCAG 2.2, success criterion 1.1.1 (A), failure F30",
    fix="say what it shows",
)  # fmt: skip
def image_alt_file_name(inspection: Inspection) -> Iterator[Hit]:
    for image in _images(inspection):
        if image.alt and _FILE_NAME.fullmatch(image.alt.strip()):
            yield Hit(f'the description "{image.alt}" is a file\'s name', *inspection.at(image.start))


IMAGE_FILE = Rule(
    "image-file", GROUP, Severity.ERROR, "A picture beside the issue that cannot be used",
    why="Readers would see an empty frame.",
    source="our own: a PNG, JPEG, GIF or WebP file in the publication, 1 MB at most as it is sent; docs/images.md",
    fix="put the file where the issue looks for it, as PNG or JPEG",
)  # fmt: skip

DIAGRAM_NOT_DRAWN = Rule(
    "diagram-not-drawn", GROUP, Severity.WARNING, "A diagram that was to be a picture and stays text",
    why="Its columns may shift where a mail program's font lacks a sign.",
    source="our own: the font that draws it has no glyph for a sign, or there is no font; docs/images.md",
    fix="use signs that the font has, or name another font: [theme] diagram_font",
)  # fmt: skip

RULES = (image_relative, IMAGE_FILE, image_alt_missing, image_alt_file_name, DIAGRAM_NOT_DRAWN)
