"""What networks and messengers show of a shared page: its card, named in the page's head (ogp.me)."""

from __future__ import annotations

import re
from html import escape

from newsletter.render.language import direction
from newsletter.web.public.cards import HEIGHT, WIDTH, Card, Drawn, draw
from newsletter.web.public.house import House
from newsletter.web.public.shelf import Published

NAME = "card.png"
_OWN = re.compile(r'<meta property="og:image"[^>]*>\n?')


def card_of(house: House, issue: Published | None = None) -> Drawn | None:
    """The card of an issue, or of the publication; None where no card is shown.

    That is so without Pillow, and for an issue whose title cannot be written but which has a picture of its own.
    """
    language, colours = issue.language if issue else house.language, house.theme.tokens["light"]
    drawn = draw(
        Card(
            title=issue.title if issue else house.site.description,
            name=house.site.name,
            language=language,
            rtl=direction(language) == "rtl",
            sheet=colours["sheet"],
            ink=colours["ink"],
            accent=colours["accent"],
            font=house.card_font,
        )
    )
    pictured = issue is not None and _OWN.search(issue.page)
    return None if drawn and not drawn.whole and pictured else drawn


def with_card(house: House, issue: Published) -> str:
    """The stored page of an issue, with its card in the head; unchanged where there is none."""
    if card_of(house, issue) is None:
        return issue.page
    tags = tags_for(f"{house.site.page_of(issue.slug)}{NAME}", f"{issue.title} – {house.site.name}")
    return _OWN.sub("", issue.page).replace("</head>", f"{tags}</head>", 1)


def head_of(house: House) -> str:
    """What a page of the publication itself says of its card in its head."""
    return tags_for(f"{house.site.base_url}/{NAME}", house.site.name) if card_of(house) else ""


def tags_for(address: str, description: str) -> str:
    """The lines of a page's head that name its card."""
    properties = {
        "og:image": address,
        "og:image:type": "image/png",
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:image:alt": description,
    }
    lines = [f'<meta property="{name}" content="{escape(value)}">\n' for name, value in properties.items()]
    return "".join([*lines, '<meta name="twitter:card" content="summary_large_image">\n'])
