"""What a language changes beside words: the direction of its text, how long reading takes, dates, lists of days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from newsletter.render.words import Words

_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he khw ks ps sd ug ur yi".split())
_WORDS_A_MINUTE = 238  # silent reading of non-fiction in English: Brysbaert 2019, a meta-analysis of 190 studies
_SIGNS_A_MINUTE = 500  # Chinese and Japanese are counted in characters
_SIGN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def direction(language: str) -> str:
    """`rtl` or `ltr`, by the language's usual script (CLDR); `fa-IR` is `fa`."""
    return "rtl" if re.split("[-_]", language.lower())[0] in _RIGHT_TO_LEFT else "ltr"


def reading_minutes(text: str) -> int:
    """Minutes that reading `text` takes, at least one."""
    signs = len(_SIGN.findall(text))
    words = sum(any(map(str.isalnum, word)) for word in _SIGN.sub(" ", text).split())
    return max(1, round(words / _WORDS_A_MINUTE + signs / _SIGNS_A_MINUTE))


def promise(days: Sequence[str], words: Words) -> str:
    """How often the publication comes: `every Tuesday and Friday`."""
    from babel import Locale  # noqa: PLC0415
    from babel.lists import format_list  # noqa: PLC0415

    if len(set(days)) == len(_DAYS):
        return words("every day")
    names = Locale.parse(words.locale).days["format"]["wide"]
    listed = format_list([names[number] for number, day in enumerate(_DAYS) if day in days], locale=words.locale)
    return words("every %(days)s", days=listed)


def weeks_text(weeks: int, words: Words) -> str:
    """So many weeks as readers say it: `4 weeks`, `أسبوعان` (CLDR, with its plurals)."""
    from babel.dates import format_timedelta  # noqa: PLC0415

    # The threshold keeps weeks from being rounded to months.
    said = format_timedelta(timedelta(weeks=weeks), granularity="week", threshold=weeks, locale=words.locale)
    return words.digits(said)


def day_text(day: date, words: Words) -> str:
    """A day as readers see it: `November 24, 2026`, `24. November 2026` (CLDR, long form)."""
    from babel.dates import format_date  # noqa: PLC0415 - 100 ms

    return words.digits(format_date(day, "long", locale=words.locale))
