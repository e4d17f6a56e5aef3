"""`newsletter.toml`: read once, validated whole, then a frozen value that everything else is given.

Secrets are never values here, only names: `secret()` looks a name up in `NAME_FILE`, in the credentials directory that
systemd provides, then in the environment.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from newsletter.errors import ConfigError

FILE_NAME = "newsletter.toml"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # line ends among them
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=366)
_UNSHOWN = ("api_key", "webhook", "database_url", "base_url")  # a message never repeats what may hold a secret


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('expected a length of time such as "90s", "30m", "6h" or "2d"')
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("expected a year at most")
    return timedelta(seconds=seconds)


def _wall_time(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    if isinstance(value, time) and value == value.replace(second=0, microsecond=0, tzinfo=None):
        return value  # 09:00:00 without quotes is a time to TOML
    raise ValueError('expected a time of day such as "09:00"')


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


def _empty_slot(value: object) -> object:
    if value == "repeat-best":
        raise ValueError(
            'expected "skip" or "notify"; "repeat-best" would need to know which issue readers liked best, '
            "and to send it again to those who have it: this version does neither"
        )
    return value


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


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta())]
WallTime = Annotated[time, BeforeValidator(_wall_time)]
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
OptionalSecretName = Annotated[str, AfterValidator(lambda value: value and _secret_name(value))]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PublicationConfig(_Section):
    """`[publication]`: who publishes, under which address."""

    name: Annotated[OneLine, Field(min_length=1)]
    base_url: WebAddress
    sender: Annotated[Mailbox, Field(min_length=1)]
    reply_to: Mailbox = ""
    postal_address: str = ""
    language: Language = "en"
    description: str = ""
    feedback: str = ""


class PaletteConfig(_Section):
    """`[theme.light]` and `[theme.dark]`: colours; docs/themes.md says where each is used."""

    page: Colour | None = None
    sheet: Colour | None = None
    ink: Colour | None = None
    soft: Colour | None = None
    quiet: Colour | None = None
    line: Colour | None = None
    edge: Colour | None = None
    accent: Colour | None = None
    code: Colour | None = None
    panel: Colour | None = None
    tint: Colour | None = None


class LookConfig(_Section):
    """The design tokens of a theme: what its `theme.toml` says, and what `[theme]` may say instead."""

    width: Annotated[int, Field(ge=320, le=960)] | None = None
    font: Fonts | None = None
    small_font: Fonts | None = None
    code_font: Fonts | None = None
    light: PaletteConfig = PaletteConfig()
    dark: PaletteConfig = PaletteConfig()


class ThemeConfig(LookConfig):
    """`[theme]`: the folder under `templates/` that gives an issue its look, and what is to be different about it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "default"
    images: Literal["host", "embed", "remote"] = "host"


class ScheduleConfig(_Section):
    """`[schedule]`: on which days, at which wall time, in which zone a slot opens."""

    days: Annotated[tuple[Day, ...], Field(min_length=1), AfterValidator(_different)] = ("tue", "fri")
    at: WallTime = time(9)
    timezone: Zone = "UTC"
    extra: tuple[OneOff, ...] = ()
    skip: tuple[Date, ...] = ()
    holidays: tuple[Yearly, ...] = ()
    pause: tuple[DateRange, ...] = ()
    late_window: Duration = timedelta(hours=6)
    late_policy: Literal["send", "ask", "skip"] = "send"
    require_approval: bool = True
    approve_by: Lead = None
    empty_slot: Annotated[Literal["skip", "notify"], BeforeValidator(_empty_slot)] = "skip"

    @property
    def zone(self) -> ZoneInfo:
        """The zone that wall times are meant in."""
        return ZoneInfo(self.timezone)

    @property
    def pauses(self) -> tuple[tuple[date, date], ...]:
        """The ranges of days without slots, first and last included."""
        return self.pause


class ProviderConfig(_Section):
    """`[provider]`: who carries the mail, and what it is known to promise."""

    name: Literal["autosend", "outbox"] = "autosend"
    api_key: SecretName = "AUTOSEND_API_KEY"
    base_url: WebAddress = "https://api.autosend.com/v1"
    connect_timeout: Duration = timedelta(seconds=10)
    read_timeout: Duration = timedelta(seconds=60)
    idempotency: Literal["auto", "honoured", "unproven"] = "auto"
    header_variables: bool = True


class DeliveryConfig(_Section):
    """`[delivery]`: how a broadcast is cut and how hard it tries."""

    batch_size: Annotated[int, Field(ge=1, le=1000)] = 100
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    max_attempts: Annotated[int, Field(ge=1)] = 8
    backoff: Duration = timedelta(seconds=1)
    backoff_limit: Duration = timedelta(seconds=60)
    daily_limit: Annotated[int, Field(ge=0)] = 0


class NotifyConfig(_Section):
    """`[notify]`: whom to tell, how, and of what."""

    editors: tuple[Mailbox, ...] = ()
    webhook: OptionalSecretName = ""
    command: tuple[str, ...] = ()
    preflight: Duration = timedelta(hours=2)
    warn_empty: Duration = timedelta(days=1)
    report: bool = True


class StorageConfig(_Section):
    """`[storage]`: where subscribers and deliveries live; SQLite in `.newsletter/` unless told otherwise."""

    database_url: str = ""


class RuleConfig(_Section):
    """One line of `[check]`: how bad a finding of the rule is, and its threshold; what is not said stays as it is."""

    severity: Literal["off", "info", "warning", "error"] | None = None
    limit: Annotated[float, Field(ge=0)] | None = None


# `rule = "warning"` is short for `rule = { severity = "warning" }`.
RuleSetting = Annotated[
    RuleConfig, BeforeValidator(lambda value: {"severity": value} if isinstance(value, str) else value)
]


class LinksConfig(_Section):
    """`[links]`: how the addresses in an issue are tried. `allow` are host names that may be private."""

    timeout: Duration = timedelta(seconds=10)
    deadline: Duration = timedelta(minutes=1)
    pause: Duration = timedelta(milliseconds=200)
    max_age: Duration = timedelta(days=1)
    at_once: Annotated[int, Field(ge=1, le=64)] = 16
    allow: tuple[str, ...] = ()


class SpellingConfig(_Section):
    """`[spelling]`: the file with the words that are right here, one a line."""

    words: str = "words.txt"


class PreviewConfig(_Section):
    """`[preview]`: to whom the preview may send a test, and how it opens a file in the editor.

    `editor` is a name (`vscode`, `zed`, `idea`…) or an address with `{path}`, `{line}` and `{column}`; empty goes by
    the variables VISUAL and EDITOR.
    """

    test_addresses: tuple[Annotated[Mailbox, Field(min_length=3)], ...] = ()
    editor: str = ""


class PublicConfig(_Section):
    """`[public]`: the pages for readers, and what the provider tells of deliveries."""

    topics: tuple[Annotated[OneLine, Field(min_length=1, max_length=100)], ...] = ()
    confirm_within: Duration = timedelta(days=7)
    soft_bounces: Annotated[int, Field(ge=1)] = 3
    webhook_secret: SecretName = "AUTOSEND_WEBHOOK_SECRET"  # noqa: S105 - a name
    proxies: tuple[OneLine, ...] = ("127.0.0.1", "::1")


class Config(_Section):
    """All of `newsletter.toml`."""

    publication: PublicationConfig
    theme: ThemeConfig = ThemeConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    provider: ProviderConfig = ProviderConfig()
    delivery: DeliveryConfig = DeliveryConfig()
    notify: NotifyConfig = NotifyConfig()
    storage: StorageConfig = StorageConfig()
    public: PublicConfig = PublicConfig()
    check: Mapping[str, RuleSetting] = Field(default_factory=dict)
    links: LinksConfig = LinksConfig()
    clients: Mapping[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    spelling: SpellingConfig = SpellingConfig()
    preview: PreviewConfig = PreviewConfig()


def read_config(path: Path) -> Config:
    """The configuration in the file `path`.

    Raises ConfigError that names file, line and key where the file is missing, is no TOML, or says something that
    cannot be meant.
    """
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: is not a file", "it is a text file; make one with: newsletter init DIR")
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file", "make a publication with: newsletter init DIR") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start})", "save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}", 'text values stand in quotes: at = "09:00"') from None
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise _explain(error, path, text) from None


def _explain(error: ValidationError, path: Path, text: str) -> ConfigError:
    """The first thing that is wrong, with the line it stands on; the others are counted."""
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"] if isinstance(part, str) and part != "literal"]
    dotted, line = ".".join(keys), _line_of(keys, text)
    where = f"{path}:{line}" if line else str(path)
    others = error.error_count() - 1
    more = f" ({others} more after this one)" if others else ""
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1)
        hint = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(sorted(_known_keys(keys[:-1])))
        return ConfigError(f'{where}: unknown key "{dotted}"{more}', hint)
    if first["type"] == "missing":
        return ConfigError(
            f'{where}: the key "{dotted}" is missing{more}', "add it; `newsletter init` shows an example"
        )
    return ConfigError(f"{where}: {dotted}: {_expected(first, keys)}{more}", "see docs/configuration.md")


def _expected(error: Mapping[str, Any], keys: Sequence[str]) -> str:
    """What the key takes and what was found there, in the words of a person who has never heard of pydantic."""
    kind, limits, found = str(error["type"]), error.get("ctx", {}), error.get("input")
    numbers = ("greater_than", "greater_than_equal", "less_than_equal")
    if kind == "value_error":
        text = str(error["msg"]).removeprefix("Value error, ")
    elif kind == "literal_error":
        text = f"expected {limits['expected']}"
    elif kind in numbers:
        word = ("more than", "at least", "at most")[numbers.index(kind)]
        text = f"expected {word} {next(iter(limits.values()))}"
    elif kind in ("model_type", "dict_type"):
        text = f"expected a section [{'.'.join(keys)}] with keys"
    else:
        text = next((words for start, words in _KINDS if kind.startswith(start)), str(error["msg"]))
    shown = isinstance(found, str | int | float) and keys[-1] not in _UNSHOWN and "found" not in text
    return f"{text}, found {json.dumps(found, ensure_ascii=False)[:60]}" if shown else text


_KINDS = (
    ("string_pattern", "expected letters, digits, - and _"),
    ("string_too_short", "expected a text that is not empty"),
    ("too_short", "expected something that is not empty"),
    ("string_", "expected a text in quotes"),
    ("int_", "expected a whole number"),
    ("float_", "expected a number"),
    ("finite_number", "expected a number"),
    ("bool_", "expected true or false"),
    ("tuple_", 'expected a list such as ["tue", "fri"]'),
)


def _known_keys(section: list[str]) -> list[str]:
    model: Any = RuleConfig if section[:1] == ["check"] else Config
    for name in section if model is Config else []:
        model = model.model_fields[name].annotation
    return list(model.model_fields)


def _line_of(keys: list[str], text: str) -> int | None:
    """The line on which the last of `keys` is written, else one that holds it; TOML parsers do not keep it."""
    section, found, depth = "", None, -1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w.-]+)\s*\]", line)
        written = re.match(r'\s*"?([\w-]+)"?\s*=', line)
        section = header[1] if header else section
        path = section.split(".") if section else []
        path += [written[1]] if written else []
        if (header or written) and keys[: len(path)] == path and len(path) > depth:
            found, depth = number, len(path)
    return found


def as_written(config: Config) -> dict[str, dict[str, Any]]:
    """All values by section and key, in the form in which the file takes them: "09:00", "6h"."""
    return {
        section: {key: _written(value) for key, value in values.items()}
        for section, values in config.model_dump(exclude_none=True).items()
    }


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_written_entry(entry) for entry in value]
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        unit = next((unit for unit in ("d", "h", "m", "s") if seconds and not seconds % _UNITS[unit]), "s")
        return f"{seconds / _UNITS[unit]:g}{unit}"
    if isinstance(value, dict):  # a rule of [check]
        told = {key: each for key, each in value.items() if each is not None}
        return told["severity"] if told.keys() == {"severity"} else told
    return value


def _written_entry(entry: Any) -> Any:
    match entry:
        case datetime():
            return entry.isoformat(timespec="minutes")
        case date():
            return entry.isoformat()
        case (int(month), int(day)):
            return f"{month:02}-{day:02}"
        case (date() as first, date() as last):
            return f"{first}..{last}"
        case _:
            return entry


def secret(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """The secret called `name`, or None where nobody set it.

    Looked for in the file that `NAME_FILE` names, then in `$CREDENTIALS_DIRECTORY/NAME` (systemd.exec(5)), then in the
    variable `NAME`. Raises ConfigError where a named file cannot be read; the value itself is never in a message.
    """
    env = os.environ if environment is None else environment
    files = []
    if env.get(f"{name}_FILE"):
        files.append(Path(env[f"{name}_FILE"]))
    elif env.get("CREDENTIALS_DIRECTORY") and (Path(env["CREDENTIALS_DIRECTORY"]) / name).is_file():
        files.append(Path(env["CREDENTIALS_DIRECTORY"]) / name)
    for file in files:
        try:
            return file.read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{file}: the file for the secret {name} cannot be read", "check its path") from None
    return env.get(name, "").strip() or None
