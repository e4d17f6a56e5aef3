"""From the file to a `Config`, with errors that name file, line and key, and back to what one would write."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from newsletter.config.sections import Config, RuleConfig
from newsletter.config.values import UNITS, LocalTime
from newsletter.errors import ConfigError

FILE_NAME = "newsletter.toml"
_UNSHOWN = ("api_key", "webhook", "database_url", "base_url")  # a message never repeats what may hold a secret


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


def as_written(config: Config) -> dict[str, Any]:
    """All values by section and key, in the form in which the file takes them: "09:00", "6h".

    A section that may stand more than once (`[[hooks]]`) is a list of such.
    """
    return {section: _section(values) for section, values in config.model_dump(exclude_none=True).items()}


def _section(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _written(value) for key, value in values.items()}
    return [_section(each) for each in values]


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_written_entry(entry) for entry in value]
    if isinstance(value, time):
        return value.isoformat(timespec="minutes") + (" local" if isinstance(value, LocalTime) else "")
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        unit = next((unit for unit in ("d", "h", "m", "s") if seconds and not seconds % UNITS[unit]), "s")
        return f"{seconds / UNITS[unit]:g}{unit}"
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
