"""A request and its answer as plain values: what handlers see of HTTP."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import parse_qsl

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)
_MOST_FIELDS = 100


@dataclass(frozen=True)
class Ask:
    """One request. `network` is whom a limit counts: an IPv4 address, or the /64 of an IPv6 address."""

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    network: str
    raw_query: str = ""  # as it came

    @property
    def posted(self) -> bool:
        """Whether something may be changed."""
        return self.method == "POST"

    @property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form, in their order; of a body that is no such form none."""
        return read_form(self.body)

    def field(self, name: str) -> str:
        """The first value of a form's field, on one line; empty where there is none."""
        return next((" ".join(value.split()) for key, value in self.form if key == name), "")

    def fields(self, name: str) -> tuple[str, ...]:
        """All values of a form's field."""
        return tuple(value for key, value in self.form if key == name)


def read_form(text: bytes) -> list[tuple[str, str]]:
    """The fields of `application/x-www-form-urlencoded` text; nothing where it has too many of them."""
    try:
        pairs = parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []
    return [(_printable(key), _printable(value)) for key, value in pairs]


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char in " \n\t\u200c\u200d")


@dataclass(frozen=True)
class Answer:
    """What goes back. `private` pages are about one reader: never cached, never indexed, sent with no referrer."""

    body: bytes
    status: int = 200
    type: str = "text/html; charset=utf-8"
    private: bool = False
    framed: bool = False  # may stand in a frame of any page: the form to embed
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def html(cls, text: str, status: int = 200, *, private: bool = False, framed: bool = False) -> Self:
        """A page."""
        return cls(text.encode(), status, private=private, framed=framed)

    def with_headers(self, origin: str) -> Answer:
        """The answer with the headers that every answer has; `origin` is where the publication's forms may post."""
        own = {
            "Content-Type": self.type,
            "Content-Security-Policy": self._policy(origin),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer" if self.private else "strict-origin-when-cross-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if self.private or self.status != 200:
            own |= {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        else:
            own |= {"Cache-Control": "public, max-age=300", "ETag": f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'}
        if origin.startswith("https:"):
            own["Strict-Transport-Security"] = "max-age=31536000"
        return replace(self, headers={**own, **self.headers})

    def _policy(self, origin: str) -> str:
        """No script, no foreign style: only the page's own style sheets, by their hash (CSP 3, section 6.7.3.3)."""
        digests = {base64.b64encode(hashlib.sha256(style).digest()).decode() for style in _STYLE.findall(self.body)}
        styles = " ".join(f"'sha256-{digest}'" for digest in sorted(digests)) or "'none'"
        frames = "*" if self.framed else "'none'"
        return (
            f"default-src 'none'; style-src {styles}; style-src-attr 'unsafe-inline'; img-src 'self' https: data:; "
            f"form-action 'self' {origin}; base-uri 'none'; frame-ancestors {frames}"
        )
