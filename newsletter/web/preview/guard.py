"""Who may ask: this machine's own browser, on this very page. Everything else is turned away before any route.

A page on the web can make a browser post to 127.0.0.1, and with a name that it rebinds to 127.0.0.1 it could even read
the answers (DNS rebinding). So the Host must be ours, the Origin too where there is one, and whoever wants to change
something must hold the token that was made at the start and stands only in our own page.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_HEADER = "x-newsletter-token"  # noqa: S105 - a header's name
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


@dataclass(frozen=True)
class Guard:
    """The application behind its checks. `port` is the one that it is served on."""

    app: App
    port: int
    token: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; refused ones never reach a route."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        reason = refusal(scope["method"], headers, self.port, self.token)
        if reason:
            await _refuse(send, reason)
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = [*_HEADERS, (b"content-security-policy", _PAGE_POLICY.encode())]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in present)]
            await send(message)

        await self.app(scope, receive, guarded)


def refusal(method: str, headers: MutableMapping[str, str], port: int, token: str) -> str:
    """Why a request is turned away; empty where it may pass."""
    ours = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    if headers.get("host", "").lower() not in ours:
        return "this is not the preview's own address"
    origin = headers.get("origin", "")
    if origin and origin.lower() not in {f"http://{name}" for name in ours}:
        return "asked for by another site"
    if headers.get("sec-fetch-site", "same-origin") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
        return "asked for by another site"
    if method not in ("GET", "HEAD", "POST"):
        return "nothing but GET and POST is answered"
    if method == "POST" and not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), token.encode()):
        return "the page is from an earlier start: load it again"
    return ""


async def _refuse(send: Send, reason: str) -> None:
    body = f"refused: {reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *_HEADERS,
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
