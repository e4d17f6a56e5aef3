"""Segments: a small language that says who, compiled to SQL with bound values: it can choose, and nothing else.

    tag:beta and language=fr and not clicked:90d
    (field.city = "New York" or domain=example.org) and joined >= 2026-01-01

A word alone is a tag: the segment `beta` is `tag:beta`. `and` binds tighter than `or`, `not` tighter than both; case
matters in no word but a tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, Table, and_, false, func, not_, or_, select

from newsletter.errors import UsageError
from newsletter.store.tables import broadcasts, clicks, deliveries, events, opens, subscriber_tags, subscribers

_TOKEN = re.compile(r'\s*(?:(?P<sign>[()]|!=|<=|>=|[=~<>:])|"(?P<quoted>[^"]*)"|(?P<word>[^\s()=!~<>":]+))')
_TEXTS = {
    "email": subscribers.c.email_key,
    "name": subscribers.c.name,
    "language": subscribers.c.language,
    "timezone": subscribers.c.timezone,
    "state": subscribers.c.state,
    "source": subscribers.c.consent_source,
}
_DATES = {"joined": subscribers.c.created_at, "consent": subscribers.c.consent_at}
_EVENTS = {"opened": ("opened", "clicked"), "clicked": ("clicked",), "bounced": ("bounced",)}
_MEASURED = {"opened": (opens, clicks), "clicked": (clicks,), "bounced": ()}  # by ourselves
_ORDERS: dict[str, Callable[[ColumnElement[datetime], datetime], ColumnElement[bool]]] = {
    "<": lambda column, moment: column < moment,
    "<=": lambda column, moment: column < moment + timedelta(days=1),
    ">": lambda column, moment: column >= moment + timedelta(days=1),
    ">=": lambda column, moment: column >= moment,
    "=": lambda column, moment: and_(column >= moment, column < moment + timedelta(days=1)),
    "!=": lambda column, moment: or_(column < moment, column >= moment + timedelta(days=1)),
}
_KNOWN = "tag:…, opened:90d, clicked:90d, received:90d, joined, consent, field.NAME, domain, " + ", ".join(_TEXTS)
_DEEPEST = 40


class SegmentError(UsageError):
    """A segment that cannot be meant; the message names the place in it."""

    def __init__(self, source: str, place: int, message: str) -> None:
        super().__init__(f'segment "{source}", character {place + 1}: {message}', "see docs/readers.md")


@dataclass(frozen=True)
class _Token:
    text: str
    place: int
    kind: str  # sign, quoted, word or end


def compile_segment(source: str, now: datetime) -> ColumnElement[bool]:
    """The condition on `subscribers` that `source` means; raises SegmentError for what it cannot mean."""
    return _Reader(source, _tokens(source), now).whole()


def _tokens(source: str) -> list[_Token]:
    found, place = list[_Token](), 0
    while place < len(source.rstrip()):
        match = _TOKEN.match(source, place)
        if match is None:
            quote = source[place:].lstrip().startswith('"')
            raise SegmentError(source, place, "a quotation mark is missing" if quote else "this cannot be read")
        kind = match.lastgroup or ""
        found.append(_Token(match[kind], match.start(kind), kind))
        place = match.end()
    return [*found, _Token("", len(source), "end")]


@dataclass
class _Reader:
    """Reads the tokens from left to right (recursive descent)."""

    source: str
    tokens: list[_Token]
    now: datetime
    _at: int = 0
    _depth: int = 0

    def whole(self) -> ColumnElement[bool]:
        condition = self._either()
        if self._next.kind != "end":
            self._fail(f'expected "and" or "or", found "{self._next.text}"; a tag with spaces stands in quotes')
        return condition

    @property
    def _next(self) -> _Token:
        return self.tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at = min(self._at + 1, len(self.tokens) - 1)
        return token

    def _is(self, word: str) -> bool:
        return self._next.kind in ("word", "sign") and self._next.text.lower() == word

    def _fail(self, message: str) -> None:
        raise SegmentError(self.source, self._next.place, message)

    def _either(self) -> ColumnElement[bool]:
        parts = [self._both()]
        while self._is("or"):
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else or_(*parts)

    def _both(self) -> ColumnElement[bool]:
        parts = [self._one()]
        while self._is("and"):
            self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else and_(*parts)

    def _one(self) -> ColumnElement[bool]:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail("this is nested too deeply")
        try:
            if self._is("not"):
                self._take()
                return not_(self._one())
            if self._is("("):
                self._take()
                inner = self._either()
                if not self._is(")"):
                    self._fail('expected ")"')
                self._take()
                return inner
            return self._predicate()
        finally:
            self._depth -= 1

    def _predicate(self) -> ColumnElement[bool]:
        if self._next.kind not in ("word", "quoted") or self._is("and") or self._is("or"):
            self._fail(
                f'expected a tag or a condition, found "{self._next.text}"' if self._next.text else "it ends here"
            )
        name = self._take()
        if name.kind == "quoted" or self._next.kind != "sign" or self._next.text in "()":
            return _tagged(name.text)
        sign = self._take().text
        place = self._at
        if self._next.kind not in ("word", "quoted"):
            self._fail("expected a value")
        value = self._take().text
        try:
            return _condition(name.text, sign, value, self.now)
        except ValueError as error:
            self._at = place
            self._fail(str(error))
            return false()


def _condition(name: str, sign: str, value: str, now: datetime) -> ColumnElement[bool]:
    word = name.lower()
    if word == "tag" and sign in ":=":
        return _tagged(value)
    if sign == ":" and word in _EVENTS:
        since = now - _span(value)
        return or_(_told(_EVENTS[word], since), *(_measured(table, since) for table in _MEASURED[word]))
    if sign == ":" and word == "received":
        return _received(now - _span(value))
    if word in _DATES:
        return _date(word, sign, value, now)
    return _of_text(name, word, sign, value)


def _date(word: str, sign: str, value: str, now: datetime) -> ColumnElement[bool]:
    if sign == ":":
        return _DATES[word] >= now - _span(value)
    if sign not in _ORDERS:
        raise ValueError(f"{word} takes =, !=, <, <=, > and >=")
    return _ORDERS[sign](_DATES[word], _day(value))


def _of_text(name: str, word: str, sign: str, value: str) -> ColumnElement[bool]:
    if word == "domain" and sign in ("=", "!="):
        here = subscribers.c.email_key.endswith(f"@{value.lower()}", autoescape=True)
        return here if sign == "=" else not_(here)
    if word.startswith("field.") and len(word) > 6:
        return _text(subscribers.c.fields[name[6:]].as_string(), sign, value)
    if word == "language" and sign in ("=", "!="):
        same = or_(
            func.lower(subscribers.c.language) == value.lower(),
            func.lower(subscribers.c.language).startswith(f"{value.lower()}-", autoescape=True),
        )
        return same if sign == "=" else not_(same)
    if word in _TEXTS:
        return _text(_TEXTS[word], sign, value)
    raise ValueError(f'nothing is called "{name}" here; there are: {_KNOWN}')


def _text(column: ColumnElement[str], sign: str, value: str) -> ColumnElement[bool]:
    text = func.lower(func.coalesce(column, ""))
    match sign:
        case "=":
            return text == value.lower()
        case "!=":
            return text != value.lower()
        case "~":
            return text.contains(value.lower(), autoescape=True)
    raise ValueError("expected =, != or ~ (contains) before a text")


def _tagged(tag: str) -> ColumnElement[bool]:
    query = select(subscriber_tags.c.subscriber_id).where(subscriber_tags.c.tag == tag)
    return subscribers.c.id.in_(query)


def _told(kinds: tuple[str, ...], since: datetime) -> ColumnElement[bool]:
    query = select(events.c.subscriber_id).where(
        events.c.subscriber_id == subscribers.c.id, events.c.kind.in_(kinds), events.c.occurred_at >= since
    )
    return query.correlate(subscribers).exists()


def _measured(table: Table, since: datetime) -> ColumnElement[bool]:
    """Somebody did it, and no machine."""
    query = select(table.c.id).where(
        table.c.subscriber_id == subscribers.c.id, table.c.at >= since, table.c.machine == ""
    )
    return query.correlate(subscribers).exists()


def _received(since: datetime) -> ColumnElement[bool]:
    query = (
        select(deliveries.c.subscriber_id)
        .join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
        .where(deliveries.c.subscriber_id == subscribers.c.id, broadcasts.c.planned_at >= since)
        .where(deliveries.c.state.in_(["accepted", "delivered"]))
    )
    return query.correlate(subscribers).exists()


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})([dwmy])", text.lower())
    if not match:
        raise ValueError(f'expected a length of time such as 90d, 12w, 6m or 1y, found "{text}"')
    return timedelta(days=int(match[1]) * {"d": 1, "w": 7, "m": 30, "y": 365}[match[2]])


def _day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'expected a day such as 2026-11-24, found "{text}"') from None
    if not 1970 <= day.year < 3000:
        raise ValueError(f'"{text}" is too far away')
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
