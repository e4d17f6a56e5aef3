"""What a language changes: the direction of its text, how long reading takes, how days are listed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he khw ks ps sd ug ur yi".split())
_WORDS_A_MINUTE = 238  # silent reading of non-fiction in English: Brysbaert 2019, a meta-analysis of 190 studies
_SIGNS_A_MINUTE = 500  # Chinese and Japanese are counted in characters
_SIGN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"\w[\w'’-]*")
_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}


def direction(language: str) -> str:
    """`rtl` or `ltr`, by the language's usual script (CLDR); `fa-IR` is `fa`."""
    return "rtl" if re.split("[-_]", language.lower())[0] in _RIGHT_TO_LEFT else "ltr"


def reading_minutes(text: str) -> int:
    """Minutes that reading `text` takes, at least one."""
    signs = len(_SIGN.findall(text))
    words = len(_WORD.findall(_SIGN.sub(" ", text)))
    return max(1, round(words / _WORDS_A_MINUTE + signs / _SIGNS_A_MINUTE))


def promise(days: Sequence[str]) -> str:
    """How often the publication comes: `every Tuesday and Friday`."""
    if len(days) == len(_DAYS):
        return "every day"
    names = [_DAYS[day] for day in _DAYS if day in days]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"every {listed}"


def day_text(day: date) -> str:
    """A day as readers see it: `24 November 2026`."""
    return f"{day.day} {day:%B %Y}"
