"""Requests to the public pages in this process: what a browser, a scanner or a provider would ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from newsletter.web.public.app import application
from newsletter.web.public.house import House


@dataclass(frozen=True)
class Page:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Visitor:
    """Somebody who asks, from one network."""

    house: House
    host: str = "192.0.2.7"

    def __post_init__(self) -> None:
        self.app = application(self.house)

    def get(self, path: str, **headers: str) -> Page:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, fields: Mapping[str, Any] | None = None, body: bytes = b"", **headers: str) -> Page:
        return self.ask("POST", path, urlencode(fields, doseq=True).encode() if fields else body, headers)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        raw: Sequence[tuple[bytes, bytes]] = (),
    ) -> Page:
        """Ask for `path`; the headers `raw` go as they are."""
        parts = urlsplit(path)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": _unquoted(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [
                *((name.replace("_", "-").lower().encode(), v.encode()) for name, v in (headers or {}).items()),
                *raw,
            ],
            "client": (self.host, 1234),
            "server": ("testserver", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        _run(self.app(scope, receive, send))  # type: ignore[arg-type]
        found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Page(sent[0]["status"], found, b"".join(part.get("body", b"") for part in sent[1:]))


def _run(asked: Coroutine[Any, Any, None]) -> None:
    """Wait for an answer in a thread of its own: a browser that another test has open runs a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asked).result()


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def link_in(mail: str, base: str) -> str:
    """The path of the link in a mail's text, below `base`."""
    text = re.sub(r"=\r?\n", "", mail).replace("=3D", "=")
    match = re.search(re.escape(base) + r"(/[^\s\"<>]*)", text)
    assert match is not None, mail
    return match[1]
