"""What single values of `newsletter.toml` may look like, each a type with its check."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from email.utils import parseaddr
from importlib.metadata import entry_points
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}  # seconds
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # line ends among them
_LONGEST = timedelta(days=366)
_SECRET_KEY = re.compile(r"(?i)(key|token|secret|password)$")
PROVIDERS = ("autosend", "smtp", "outbox", "anymail")
PROVIDER_POINTS = "newsletter.providers"  # the entry points by which other packages bring theirs


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('expected a length of time such as "90s", "30m", "6h" or "2d"')
    seconds = float(match[1]) * UNITS[match[2]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("expected a year at most")
    return timedelta(seconds=seconds)


class LocalTime(time):
    """A time of day on each reader's own clock, written `09:00 local`."""


def _wall_time(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(([01]\d|2[0-3]):[0-5]\d) +local", value.strip())):
        return LocalTime.fromisoformat(match[1])
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    if isinstance(value, time) and value == value.replace(second=0, microsecond=0, tzinfo=None):
        return value  # 09:00:00 without quotes is a time to TOML
    raise ValueError('expected a time of day such as "09:00", or "09:00 local" for that of each reader')


def _zone(value: str) -> str:
    if value not in available_timezones():
        near = difflib.get_close_matches(value, available_timezones(), n=1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        raise ValueError(f'expected an IANA time zone such as "Europe/Berlin", found "{value}"{hint}')
    return value


def _day(value: object) -> object:
    return value.strip().lower()[:3] if isinstance(value, str) and value.strip() else value


def _different(days: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((day for day in days if days.count(day) > 1), None)
    if twice:
        raise ValueError(f'"{twice}" stands twice; there is one slot a day')
    return days


def _wall(value: object) -> object:
    """A one-off slot: a day and a time of day, without zone."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value)
    elif isinstance(value, datetime) and value == value.replace(second=0, microsecond=0, tzinfo=None):
        return value  # without quotes it is a local date-time to TOML
    raise ValueError('expected a day and a time such as "2026-12-24T18:00", without zone')


def _date(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError('expected a day such as "2026-12-25"')


def _yearly(value: object) -> object:
    if isinstance(value, tuple):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d", value):
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(f"2000-{value}")  # a leap year: 02-29 is a day, in the years that have it
            return day.month, day.day
    raise ValueError('expected a day of every year such as "12-25"')


def _range(value: object) -> object:
    if isinstance(value, tuple):
        return value
    first, dots, last = value.partition("..") if isinstance(value, str) else ("", "", "")
    if not dots:
        raise ValueError('expected a range of days such as "2026-07-20..2026-08-14"')
    start, end = _date(first.strip()), _date(last.strip())
    assert isinstance(start, date) and isinstance(end, date)  # noqa: S101 - _date gives no other
    if end < start:
        raise ValueError("the pause ends before it begins")
    if end - start > _LONGEST:
        raise ValueError("expected a pause of a year at most")
    return start, end


def _lead(value: object) -> object:
    """A time before the slot, written with or without its minus sign; nothing where it is empty."""
    if value in ("", None):
        return None
    return _duration(value.strip().removeprefix("-")) if isinstance(value, str) else _duration(value)


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("expected one line of text")
    return value.strip()


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", value):
        raise ValueError('expected a language tag (BCP 47) such as "en" or "pt-BR"')
    return value


def _mailbox(value: str) -> str:
    if value and "@" not in parseaddr(value)[1]:
        raise ValueError('expected an address such as "Plain AI <hello@example.org>"')
    if re.search(r"[\r\n]", value):
        raise ValueError("an address holds no line break")
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is none, half an IPv6 address
        whole = False
    if not whole or re.search(r"\s", value) or parts.query or parts.fragment:
        raise ValueError('expected a web address such as "https://example.org"')
    if "@" in parts.netloc:
        raise ValueError("expected a web address without user and password")
    return value.rstrip("/")


def _secret_name(value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        # The value is not repeated: it may be the secret itself.
        raise ValueError("expected the NAME of an environment variable, in capitals, never the secret itself")
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ValueError('expected a colour such as "#0b5c6b"')
    return value.lower()


def _fonts(value: str) -> str:
    if not re.fullmatch(r"[\w .,'\"-]+", value) or value.count('"') % 2 or value.count("'") % 2:
        raise ValueError("expected names of fonts such as 'Georgia, \"Times New Roman\", serif'")
    return value


def provider_name(value: str) -> str:
    """One of ours, or the name of one that an installed package provides."""
    if value in PROVIDERS:
        return value
    others = sorted({point.name for point in entry_points(group=PROVIDER_POINTS)})
    if value not in others:
        known = ", ".join(f'"{name}"' for name in (*PROVIDERS, *others))
        raise ValueError(f"expected {known} or the name that an installed package gives its own")
    return value


def _settings(value: object) -> object:
    for key, each in value.items() if isinstance(value, dict) else ():
        if isinstance(each, str) and _SECRET_KEY.search(str(key)):
            raise ValueError(f'"{key}" sounds like a secret: put the NAME of its variable into the section of secrets')
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta())]
WallTime = Annotated[time, PlainValidator(_wall_time)]
OneOff = Annotated[datetime, BeforeValidator(_wall)]
Date = Annotated[date, BeforeValidator(_date)]
Yearly = Annotated[tuple[int, int], BeforeValidator(_yearly)]
DateRange = Annotated[tuple[date, date], BeforeValidator(_range)]
Lead = Annotated[timedelta | None, BeforeValidator(_lead)]
Zone = Annotated[str, AfterValidator(_zone)]
OneLine = Annotated[str, AfterValidator(_one_line)]
Language = Annotated[str, AfterValidator(_language)]
Day = Annotated[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], BeforeValidator(_day)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Colour = Annotated[str, AfterValidator(_colour)]
Fonts = Annotated[str, AfterValidator(_fonts)]
SecretName = Annotated[str, AfterValidator(_secret_name)]
ProviderName = Annotated[str, AfterValidator(provider_name)]
Settings = Annotated[Mapping[str, str | int | float | bool], BeforeValidator(_settings)]
OptionalSecretName = Annotated[str, AfterValidator(lambda value: value and _secret_name(value))]
Days = Annotated[tuple[Day, ...], Field(min_length=1), AfterValidator(_different)]
