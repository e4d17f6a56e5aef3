"""Local pictures in an issue's body: their sizes and addresses, on the web and within a mail."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from lxml import html

from newsletter.content.pictures import Picture, key_of

FOLDER = "images"  # below an issue's page


def place(root: html.HtmlElement, pictures: Sequence[Picture], page: str) -> None:
    """Give each `img` below `root` that shows one of `pictures` its size and its address on the web, in place.

    A width or height that the author wrote stays.
    """
    by_source = {key_of(picture.source): picture for picture in pictures}
    for image in root.iter("img") if pictures else ():
        picture = by_source.get(key_of(image.get("src") or ""))
        if picture is None:
            continue
        image.set("src", f"{page}{FOLDER}/{picture.name}")
        image.attrib.pop("srcset", None)
        if not {"width", "height", "style"} & set(image.attrib):
            image.set("width", str(picture.width))
            image.set("height", str(picture.height))


def relative_to_page(pictures: Sequence[Picture], page: str) -> Mapping[str, str]:
    """Web address -> address on the issue's own page, so that a copy of its folder can be opened anywhere."""
    return {f"{page}{FOLDER}/{picture.name}": f"{FOLDER}/{picture.name}" for picture in pictures}


def within_mail(pictures: Sequence[Picture], page: str) -> Mapping[str, str]:
    """Web address -> `cid:` address (RFC 2392) of a picture that the mail carries."""
    return {f"{page}{FOLDER}/{picture.name}": f"cid:{picture.content_id}" for picture in pictures}


def move(root: html.HtmlElement, addresses: Mapping[str, str]) -> None:
    """Replace the addresses of images below `root`, in place."""
    for image in root.iter("img") if addresses else ():
        if address := addresses.get(image.get("src") or ""):
            image.set("src", address)


def shown_here(markup: str, pictures: Sequence[Picture]) -> str:
    """A mail or page with its local pictures in `data:` addresses (RFC 2397): for a preview, before they are hosted."""
    for picture in pictures:
        data = f'src="data:{picture.kind};base64,{base64.b64encode(picture.data).decode("ascii")}"'
        name = re.escape(picture.name)
        markup = re.sub(rf'src="(?:cid:{name}@|(?:[^"\s]*/)?{FOLDER}/{name})[^"]*"', data, markup)
    return markup
