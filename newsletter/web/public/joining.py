"""Sign-up with double opt-in: the form, the answer that tells nothing, the confirmation."""

from __future__ import annotations

from newsletter.audience import consent
from newsletter.audience.addresses import parse_address
from newsletter.audience.tokens import CONFIRM, MOVE, Word
from newsletter.audience.wishes import Kind, store_wish
from newsletter.web.public import replies, sharing
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House

HONEYPOT = "website"  # a field that people do not see


def subscribe(house: House, ask: Ask) -> Answer:
    """GET shows the form, POST takes an address."""
    if not ask.posted:
        return _form(house)
    if wait := house.limits.asking.wait(ask.network):
        return replies.too_often(house, wait)
    return take_address(house, ask, Kind.JOIN) or _form(house, ask.field("email"), _problem(house))


def embed(house: House, ask: Ask) -> Answer:  # noqa: ARG001 - a handler
    """The form alone, for a frame in any page."""
    return Answer.html(house.page("embed.html", house.words("Sign up")), framed=True)


def take_address(house: House, ask: Ask, kind: Kind) -> Answer | None:
    """Store the wish of an address and answer the same for each, known or not; None for what is no address."""
    _ = house.words
    text = ask.field("email")[:320]
    try:
        address = parse_address(text)
    except ValueError:
        return None
    if not ask.field(HONEYPOT):
        with house.store.transaction() as connection:
            store_wish(connection, kind, address.email, house.now(), language=house.site.language)
        house.ring()
    shown = house.apart(address.email)
    first = {
        Kind.JOIN: _("We have sent a mail to %(email)s. Follow the link in it, and you are on the list.", email=shown),
        Kind.LEAVE: _("If %(email)s is on the list, a mail with an unsubscribe link is on its way.", email=shown),
    }[kind]
    return replies.message(
        house,
        _("Look into your inbox"),
        first,
        _("It can take some minutes. If nothing comes, look into the spam folder, or check the address."),
    )


def confirm(house: House, ask: Ask) -> Answer:
    """GET shows a button, POST makes the reader active."""
    word = house.signer.read(CONFIRM, ask.path["token"], house.publication.config.public.confirm_within)
    if word is None or not isinstance(word.value, int):
        return _unknown(house, ask)
    house = reader_house(house, word.value)
    _, name = house.words, house.apart(house.site.name)
    if not ask.posted:
        text = _("One click, and %(name)s comes to your inbox %(promise)s.", name=name, promise=_days(house))
        return replies.button(house, _("Confirm your subscription"), _("Yes, sign me up"), text)
    with house.store.transaction() as connection:
        done = consent.confirm(connection, word.value, word.made_at, "sign-up page, confirmed by mail", house.now())
    if not done:
        return replies.spent(house)
    return replies.message(
        house,
        _("Welcome"),
        _("You are on the list. The next issue comes to your inbox."),
        link=(f"{house.root}/", _("Read what came before")),
    )


def move(house: House, ask: Ask) -> Answer:
    """The link that was sent to a reader's new address: GET shows a button, POST changes the address."""
    word = house.signer.read(MOVE, ask.path["token"], house.publication.config.public.confirm_within)
    if word is None or not _is_move(word):
        return _unknown(house, ask)
    number, email = word.value
    house = reader_house(house, number)
    _ = house.words
    text = _("From now on issues come to %(email)s.", email=house.apart(email))
    if not ask.posted:
        return replies.button(house, _("Change your address"), _("Yes, use this address"), text)
    with house.store.transaction() as connection:
        done = consent.move(connection, number, parse_address(email), house.now())
    if not done:
        return replies.spent(house)
    return replies.message(house, _("Changed"), text)


def reader_house(house: House, number: int) -> House:
    """The house in the language of the subscriber with this id, where that is known."""
    with house.store.reading() as connection:
        return house.for_reader(consent.find(connection, member=number))


def _is_move(word: Word) -> bool:
    value = word.value
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], int) and isinstance(value[1], str)


def _unknown(house: House, ask: Ask) -> Answer:
    wait = house.limits.guessing.wait(ask.network)
    return replies.too_often(house, wait) if wait else replies.spent(house)


def _form(house: House, email: str = "", problem: str = "") -> Answer:
    title = house.words("Get %(name)s in your inbox", name=house.apart(house.site.name))
    canonical = "" if problem else f"{house.site.base_url}/subscribe"
    card = "" if problem else sharing.head_of(house)
    page = house.page("subscribe.html", title, email=email, problem=problem, canonical=canonical, card=card)
    return Answer.html(page, 422 if problem else 200, private=bool(problem))


def _problem(house: House) -> str:
    return house.words("This is no email address. One looks like name@example.org.")


def _days(house: House) -> str:
    from newsletter.render.language import promise

    return promise(house.site.days, house.words)
