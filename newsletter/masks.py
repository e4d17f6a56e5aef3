"""Secrets that no text shows: a value that hides itself (`Secret`), and what takes secrets out of a text (`Mask`)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

HIDDEN = "***"
_SHORTEST = 6  # letters; a shorter secret is in every other word
# What looks like a secret, whoever's it is: a bearer token, a password in an address, the keys of well-known services.
_SHAPES = (
    (re.compile(r"\b([Bb]earer|[Bb]asic)\s+(?=\S*[0-9_=])[A-Za-z0-9._~+/=-]{10,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(AS_|sk_|xox[abp]-|whsec_)[A-Za-z0-9_-]{6,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(hooks\.slack\.com/services/)\S+"), rf"\1{HIDDEN}"),
)


@dataclass(frozen=True)
class Secret:
    """A secret's value: `reveal()` gives it to who needs it; everything else shows three stars."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself; it goes nowhere but to whom it is for."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return HIDDEN


class Mask:
    """Takes secrets out of a text, in each of the ways in which a secret may be written down."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        ways = {way for value in secrets if len(value) >= _SHORTEST for way in _ways(value)}
        self._ways = sorted(ways, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, self._ways)))

    def __call__(self, text: str) -> str:
        """The text with three stars for each secret that is known, and nothing else changed."""
        if any(way in text for way in self._ways):  # much faster than the pattern, and nearly always false
            return self._known.sub(HIDDEN, text)
        return text

    def strictly(self, text: str) -> str:
        """The same for words of errors and logs: what only looks like a secret goes, too."""
        text = self(text)
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        return text


def _ways(value: str) -> Iterable[str]:
    """As it is, each word of it (a key may be several), in an address, in JSON, and in Base64 as logins write it."""
    for word in {value, *value.split()}:
        if len(word) >= _SHORTEST:
            yield from (word, quote(word, safe=""), json.dumps(word)[1:-1], word.encode().hex())
            # Base64 of whatever stands before it: three ways, of which the sure middle is taken.
            for before in range(3):
                whole = base64.b64encode(b"\0" * before + word.encode()).decode().rstrip("=")
                yield whole[(0, 2, 3)[before] : len(whole) - 1]
