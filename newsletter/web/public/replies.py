"""The pages that several routes answer with: a short message, a button, what went wrong."""

from __future__ import annotations

from newsletter.web.public.exchange import Answer
from newsletter.web.public.house import House


def message(
    house: House, title: str, *paragraphs: str, status: int = 200, link: tuple[str, str] | None = None
) -> Answer:
    """A title and some sentences."""
    page = house.page("message.html", title, paragraphs=paragraphs, link=link)
    return Answer.html(page, status, private=True)


def button(house: House, title: str, text: str, *paragraphs: str, link: tuple[str, str] | None = None) -> Answer:
    """A title, some sentences and one button that posts to the same address: what a GET shows instead of acting."""
    page = house.page("button.html", title, paragraphs=paragraphs, button=text, link=link)
    return Answer.html(page, private=True)


def missing(house: House) -> Answer:
    """There is no such page."""
    _ = house.words
    text = _("This page does not exist, or not any more.")
    return message(house, _("Nothing here"), text, status=404, link=(f"{house.root}/", _("To the archive")))


def spent(house: House, *, leaving: bool = False) -> Answer:
    """A link that nobody made, or long ago; who is `leaving` with it is shown another way to."""
    _ = house.words
    other = (f"{house.root}/subscribe", _("To the sign-up page"))
    if leaving:
        other = (f"{house.root}/unsubscribe/", _("Mail me a link"))
    return message(
        house,
        _("This link does not work"),
        _("It is not complete, or too old. Mail programs sometimes break a link in two: try to copy all of it."),
        status=404,
        link=other,
    )


def too_often(house: House, seconds: float) -> Answer:
    """One network asks too often (RFC 6585 section 4)."""
    _ = house.words
    answer = message(house, _("Too many requests"), _("Please try it again in some minutes."), status=429)
    return Answer(answer.body, 429, private=True, headers={"Retry-After": str(max(1, round(seconds + 0.5)))})
