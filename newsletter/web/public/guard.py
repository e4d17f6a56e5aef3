"""In front of every route: the base path, the methods, how much and how slowly may be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_FORM = 16_384  # bytes
LARGEST_EVENT = 1_048_576
LONGEST_PATH = 4096
BODY_SECONDS = 10.0


@dataclass(frozen=True)
class Guard:
    """The application behind its checks. `root` is the path of the publication's address.

    A proxy may pass it on (`/letters/subscribe`) or take it away (`/subscribe`): both work.
    """

    app: App
    root: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the body is read before the route is asked, all of it or not at all."""
        if scope["type"] != "http":
            return
        path = str(scope["path"])
        if self.root and (path == self.root or path.startswith(f"{self.root}/")):
            path = path[len(self.root) :] or "/"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            await _refuse(send, 405, "only GET, HEAD and POST are answered", ((b"allow", b"GET, HEAD, POST"),))
            return
        if len(path) + len(scope["query_string"]) > LONGEST_PATH:
            await _refuse(send, 414, "the address is too long")
            return
        body = b""
        if scope["method"] == "POST":
            largest = LARGEST_EVENT if path.startswith("/webhooks/") else LARGEST_FORM
            try:
                body = await asyncio.wait_for(_body(receive, largest), BODY_SECONDS)
            except TimeoutError:
                await _refuse(send, 408, "the body did not come in time", ((b"connection", b"close"),))
                return
            except ValueError:
                await _refuse(send, 413, "the body is too large", ((b"connection", b"close"),))
                return
            except ConnectionError:
                return
        inner = dict(scope) | {"path": path, "raw_path": path.encode(), "root_path": "", "newsletter.body": body}
        await self.app(inner, receive, send)


async def _body(receive: Receive, largest: int) -> bytes:
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        part = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise ValueError
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _refuse(send: Send, status: int, reason: str, more: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    body = f"{reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *more]
    headers += [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'none'")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
