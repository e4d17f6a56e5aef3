"""Measured links and the pixel. Both answer the same whatever is counted, and count nothing where nothing is to be."""

from __future__ import annotations

import base64

from newsletter.audience.measuring import Look, machine
from newsletter.render.measuring import NO_PIXEL, location
from newsletter.web.public import replies
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House

_GIF = base64.b64decode(NO_PIXEL.partition(",")[2])


def click(house: House, ask: Ask) -> Answer:
    """To where a link of the mail leads: an address that stands in the edition that was sent, and to no other."""
    whose = house.signer.measures(ask.path["token"])
    if whose is None:
        wait = house.limits.guessing.wait(ask.network)
        return replies.too_often(house, wait) if wait else replies.spent(house)
    target = house.tally.targets(whose[0]).find(ask.raw_query)
    if target is None:
        return replies.missing(house)
    if house.publication.config.tracking.clicks:
        house.tally.put(Look(*whose, house.now(), target, machine(ask.method, ask.headers)))
    return Answer(b"", 302, "text/plain", private=True, headers={"Location": location(target)})


def pixel(house: House, ask: Ask) -> Answer:
    """A picture of one pixel, the same for every token."""
    whose = house.signer.measures(ask.path["token"])
    if whose is not None and house.publication.config.tracking.opens:
        house.tally.put(Look(*whose, house.now(), "", machine(ask.method, ask.headers, picture=True)))
    return Answer(_GIF, 200, "image/gif", private=True)
