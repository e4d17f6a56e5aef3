"""The words that a theme puts around an issue, in the issue's language: gettext catalogues as plain `.po` files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType

from newsletter.errors import ContentError

SOURCE = "en"  # the language that templates are written in; what has no translation is shown in it


@dataclass(frozen=True)
class Words:
    """Translations by their English text, for one language; called as `_` in templates.

    `language` is the tag of the catalogue that was found (`pt` for an issue in `pt-BR`), `locale` what Babel calls the
    issue's language, for days, dates and lists.
    """

    language: str = SOURCE
    locale: str = SOURCE
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __call__(self, text: str, **values: object) -> str:
        """`text` translated, its `%(name)s` filled; numbers are written in the language's own digits."""
        shown = {key: self.digits(str(value)) if isinstance(value, int) else value for key, value in values.items()}
        translated = self.texts.get(text) or text
        return translated % shown if values else translated

    def digits(self, text: str) -> str:
        """`text` with the digits that the language is written in (CLDR, default numbering system)."""
        zero = _zero(self.locale)
        return text if zero == "0" else re.sub("[0-9]", lambda digit: chr(ord(zero) + int(digit[0])), text)


def words_for(language: str, catalogues: Mapping[str, Sequence[tuple[str, str]]]) -> Words:
    """The words for an issue in `language` (BCP 47): those of its own tag, else of its language, else English.

    `catalogues` maps a tag to its files, each as (place, text), the last one weighing most. Raises ContentError, which
    names the place and the line, for a text that is no catalogue.
    """
    parts = re.split("[-_]", language.lower())
    tags = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    known = {tag.lower().replace("_", "-"): tag for tag in catalogues}
    tag = next((known[tag] for tag in tags if tag in known), SOURCE)
    texts: dict[str, str] = {}
    for place, text in catalogues.get(tag, ()):
        texts |= _read(place, text)
    translated = tag != SOURCE or parts[0] == SOURCE
    return Words(tag, _locale(tuple(parts)) if translated else SOURCE, MappingProxyType(texts))


@lru_cache(maxsize=64)
def _read(place: str, text: str) -> Mapping[str, str]:
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415 - 100 ms

    try:
        catalogue = read_po(BytesIO(text.encode()), abort_invalid=True)
    except PoFileError as error:
        line = (error.lineno or 0) + 1
        raise ContentError(place, line, f"no gettext catalogue: {error}", "see docs/languages.md") from None
    messages = {message.id: message.string for message in catalogue if message.id and not message.fuzzy}
    return {
        source: meaning for source, meaning in messages.items() if isinstance(source, str) and isinstance(meaning, str)
    }


@lru_cache(maxsize=64)
def _locale(parts: tuple[str, ...]) -> str:
    """Babel's name for a language tag, the longest part of it that Babel knows; English where it knows none."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415

    for length in range(len(parts), 0, -1):
        try:
            return str(Locale.parse("-".join(parts[:length]), sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
    return SOURCE


@lru_cache(maxsize=64)
def _zero(locale: str) -> str:
    from babel import Locale  # noqa: PLC0415

    return {"arab": "٠", "arabext": "۰", "deva": "०", "beng": "০", "mymr": "၀"}.get(
        Locale.parse(locale).default_numbering_system, "0"
    )
