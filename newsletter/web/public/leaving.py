"""Goodbye in one click (RFC 8058), and the settings that may make it needless.

A GET never changes anything: scanners follow every link of every mail. A POST does, with or without a form's fields,
since a mailbox provider posts `List-Unsubscribe=One-Click` and a person presses the button.
"""

from __future__ import annotations

from datetime import timedelta

from newsletter.audience import consent
from newsletter.audience.addresses import parse_address
from newsletter.audience.consent import Member, Wanted
from newsletter.audience.erasure import forget
from newsletter.audience.subscribers import RHYTHMS, State
from newsletter.audience.tokens import PREFERENCES
from newsletter.audience.wishes import Kind, store_wish
from newsletter.render.language import weeks_text
from newsletter.web.public import replies
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House
from newsletter.web.public.joining import HONEYPOT, take_address

TEST = "test"  # what stands for the token in test mails
_SETTINGS_WITHIN = timedelta(days=1)  # a page left open; the unsubscribe link makes a new one at any time
_PAUSES = (0, 2, 4, 8, 12)  # weeks


def unsubscribe(house: House, ask: Ask) -> Answer:
    """GET shows a button, POST acts."""
    token = ask.path["token"]
    if token == TEST:
        _ = house.words
        return replies.message(
            house, _("A test mail"), _("This link came with a test mail. In a real one it unsubscribes its reader.")
        )
    number = house.signer.unsubscribes(token)
    if number is None:
        wait = house.limits.guessing.wait(ask.network)
        return replies.too_often(house, wait) if wait else replies.spent(house, leaving=True)
    if ask.posted:
        with house.store.transaction() as connection:
            consent.goodbye(connection, number, _source(ask), house.now())
    with house.store.reading() as connection:
        member = consent.find(connection, member=number)
    house = house.for_reader(member)
    if member is None or member.state != State.ACTIVE:
        return _gone(house)
    _ = house.words
    settings = f"{house.root}/preferences/{house.signer.token(PREFERENCES, number)}"
    if "settings" in ask.query:  # the link of who does not want to be counted
        return Answer(b"", 302, "text/plain", private=True, headers={"Location": settings})
    name, email = house.apart(house.site.name), house.apart(mask(member.email))
    text = _("%(name)s comes to %(email)s. One click, and it does not.", name=name, email=email)
    link = (settings, _("Get it less often, take a break, or change your address instead"))
    return replies.button(house, _("Unsubscribe"), _("Unsubscribe"), text, link=link)


def lost_link(house: House, ask: Ask) -> Answer:
    """For who has no unsubscribe link at hand: POST mails one, if the address is on the list."""
    _, problem = house.words, ""
    if ask.posted:
        if wait := house.limits.asking.wait(ask.network):
            return replies.too_often(house, wait)
        if answer := take_address(house, ask, Kind.LEAVE):
            return answer
        problem = _("This is no email address. One looks like name@example.org.")
    page = house.page("lost.html", _("Unsubscribe"), problem=problem, email=ask.field("email")[:320])
    return Answer.html(page, 422 if problem else 200, private=True)


def preferences(house: House, ask: Ask) -> Answer:
    """What a reader wants to get: GET shows it, POST changes it."""
    word = house.signer.read(PREFERENCES, ask.path["token"], _SETTINGS_WITHIN)
    if word is None or not isinstance(word.value, int):
        wait = house.limits.guessing.wait(ask.network)
        return replies.too_often(house, wait) if wait else replies.spent(house, leaving=True)
    with house.store.reading() as connection:
        member = consent.find(connection, member=word.value)
    house = house.for_reader(member)
    if member is None or member.state != State.ACTIVE:
        return _gone(house)
    if not ask.posted:
        return _settings(house, member)
    act = {"save": _save, "move": _move, "erase": _erase}.get(ask.field("do"))
    return act(house, ask, member) if act else _settings(house, member)


def _save(house: House, ask: Ask, member: Member) -> Answer:
    weeks, days = _number(ask.field("pause")), _number(ask.field("every"))
    paused = member.paused_until if ask.field("pause") == "keep" else None
    if weeks in _PAUSES[1:]:
        paused = house.now() + timedelta(weeks=weeks)
    offered = house.publication.config.public.topics
    measured = not ask.field("uncounted") if _may_object(house, member) else member.measured
    wanted = Wanted(days if days in RHYTHMS else None, paused, ask.fields("topic"), measured)
    with house.store.transaction() as connection:
        consent.prefer(connection, member, wanted, offered, house.now())
        changed = consent.find(connection, member=member.id)
    return _settings(house, changed or member, notice=house.words("Saved."))


def _move(house: House, ask: Ask, member: Member) -> Answer:
    _ = house.words
    if wait := house.limits.asking.wait(ask.network):
        return replies.too_often(house, wait)
    try:
        address = parse_address(ask.field("email")[:320])
    except ValueError:
        return _settings(house, member, problem=_("This is no email address. One looks like name@example.org."))
    if not ask.field(HONEYPOT):
        with house.store.transaction() as connection:
            store_wish(connection, Kind.MOVE, address.email, house.now(), member=member.id)
        house.ring()
    return _settings(house, member, notice=_("We have sent a link to %(email)s.", email=house.apart(address.email)))


def _erase(house: House, ask: Ask, member: Member) -> Answer:
    _ = house.words
    if ask.field("sure") != "yes":
        return _settings(house, member, problem=_("Tick the box to be erased."))
    with house.store.transaction() as connection:
        forget(connection, member.email_key, house.now())
    return replies.message(house, _("Erased"), _("Nothing about you is stored any more. No issue will come."))


def _settings(house: House, member: Member, notice: str = "", problem: str = "") -> Answer:
    _ = house.words
    rhythms = [(0, _("Every issue")), (7, _("One a week at most")), (30, _("One a month at most"))]
    pauses: list[tuple[int | str, str]] = [(0, _("No pause"))]
    paused: int | str = 0
    if member.paused_until and member.paused_until > house.now():
        pauses.append(("keep", _("until %(day)s", day=house.day(member.paused_until))))
        paused = "keep"
    pauses += [(weeks, weeks_text(weeks, _)) for weeks in _PAUSES[1:]]
    page = house.page(
        "preferences.html",
        _("Your settings"),
        email=house.apart(mask(member.email)),
        rhythms=rhythms,
        every=member.every_days or 0,
        pauses=pauses,
        paused=paused,
        topics=house.publication.config.public.topics,
        chosen=member.tags,
        may_object=_may_object(house, member),
        measured=member.measured,
        notice=notice,
        problem=problem,
        leave_url=f"{house.root}/unsubscribe/{house.signer.unsubscribe_token(member.id)}",
    )
    return Answer.html(page, 422 if problem else 200, private=True)


def _may_object(house: House, member: Member) -> bool:
    """Whether there is something to object to, or was when the reader did."""
    tracking = house.publication.config.tracking
    return tracking.clicks or tracking.opens or not member.measured


def mask(email: str) -> str:
    """Enough of an address for its owner to tell it: a forwarded link gives it to nobody."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _gone(house: House) -> Answer:
    _ = house.words
    return replies.message(
        house,
        _("You are not on the list"),
        _("No issue comes to this address any more."),
        link=(f"{house.root}/subscribe", _("Come back")),
    )


def _source(ask: Ask) -> str:
    one_click = dict(ask.form).get("List-Unsubscribe") == "One-Click" or b"One-Click" in ask.body[:1000]
    return "one-click of the mail program" if one_click else "unsubscribe page"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
