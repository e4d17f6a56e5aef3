"""The API over HTTP: the key, the body, one operation, one JSON object.

It is for programs of the publication itself: no cookies, so no forms of other sites; no CORS, so no scripts of theirs.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from newsletter.errors import ConfigError, ContentError, NewsletterError, SafetyError, UsageError
from newsletter.library import Newsletter
from newsletter.web.api.openapi import describe, page
from newsletter.web.api.operations import OPERATIONS, Call, Field, Operation
from newsletter.web.api.values import plain
from newsletter.web.public.limits import Limit, network_of

LARGEST = 65_536  # bytes of a body
_STATUS: Mapping[type[NewsletterError], int] = {UsageError: 400, ConfigError: 500, SafetyError: 409, ContentError: 422}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class Keys:
    """The secrets that open the API; each may be several words, so that a new key can come before an old one goes."""

    write: str
    read: str = ""

    def allow(self, given: str, *, writing: bool) -> bool:
        """Whether `given` is one of them; compared in constant time, with all of them."""
        known = [*self.write.split(), *([] if writing else self.read.split())]
        return sum(hmac.compare_digest(given.encode(), key.encode()) for key in known) > 0


@dataclass
class Api:
    """One publication's API. `say` is told what went wrong inside."""

    letter: Newsletter
    keys: Keys
    say: Callable[[str], None] = lambda _: None
    guesses: Limit = field(default_factory=lambda: Limit(burst=20, rate=0.2))  # wrong keys, for each network

    def application(self) -> Starlette:
        """The routes, below `/api`."""
        routes = [Route("/", self._page), Route("/openapi.json", self._description)]
        # The longer paths first: an address may hold a slash, and would swallow what comes after it.
        for operation in sorted(OPERATIONS, key=lambda operation: -len(operation.path)):
            path = f"/v1{operation.path}".replace("{email}", "{email:path}")
            routes.append(Route(path, self._endpoint(operation), methods=[operation.method]))
        handlers: Any = {404: self._no_route, 405: self._no_route}
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.router.redirect_slashes = False  # Starlette's redirect would name whatever host was asked for
        return app

    def _endpoint(self, operation: Operation) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            refused = self._refusal(request, writing=operation.method != "GET")
            if refused is not None:
                return refused
            try:
                call = _call(operation, request, await _body(request) if operation.method != "GET" else {})
                data = await run_in_threadpool(lambda: plain(operation.act(self.letter, call)))
            except LookupError as error:
                return failure(404, "not_found", str(error.args[0]))
            except NewsletterError as error:
                status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
                return failure(status, error.code, error.message, error.hint)
            except Exception as error:
                self.say(f"api {operation.name}: {type(error).__name__}: {error}")
                return failure(500, "failed", "something failed here", "look into the log of newsletter serve")
            return JSONResponse({"ok": True, "data": data}, headers=_HEADERS)

        return answer

    def _refusal(self, request: Request, *, writing: bool) -> Response | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.keys.allow(given.strip(), writing=writing):
            return None
        network = network_of(request.client.host if request.client else "")
        wait = self.guesses.wait(network)
        if wait:
            return failure(429, "too_many", "too many wrong keys", "wait", {"Retry-After": str(int(wait) + 1)})
        if writing and scheme.lower() == "bearer" and self.keys.allow(given.strip(), writing=False):
            return failure(403, "read_only", "this key may only read", "use the key that may write")
        return failure(
            401, "key", "the key is missing or wrong", "Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
        )

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(page(OPERATIONS, self.letter.publication.config.publication.name), headers=_HEADERS)

    async def _description(self, _: Request) -> Response:
        config = self.letter.publication.config.publication
        return JSONResponse(describe(OPERATIONS, f"{config.base_url}/api/v1", config.name), headers=_HEADERS)

    async def _no_route(self, _: Request, error: Any) -> Response:
        return failure(error.status_code, "not_found", "there is no such call", "see /api/", error.headers)


def failure(status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """An error, in the shape that `--json` has too."""
    body = {"ok": False, "error": {"code": code, "message": message, "hint": hint}}
    return JSONResponse(body, status, headers={**_HEADERS, **(headers or {})})


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a body; UsageError for what is none."""
    data = request.scope.get("newsletter.body")
    if data is None:
        data = b""
        async for part in request.stream():
            data += part
            if len(data) > LARGEST:
                raise UsageError("the body is too large", f"at most {LARGEST:,} bytes")
    if not data.strip():
        return {}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object", 'for example {"email": "ada@reader.example"}')
    return found


def _call(operation: Operation, request: Request, body: Mapping[str, Any]) -> Call:
    """The values of a request, each of the kind that its field has. Raises UsageError for what does not fit."""
    known = {given.name: given for given in operation.given}
    outside = {} if operation.method != "GET" else dict(request.query_params)
    values: dict[str, Any] = {**body, **outside, **request.path_params}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(f'there is no "{unknown[0][:60]}" here', f"known are: {', '.join(known) or 'none'}")
    missing = [name for name, given in known.items() if given.required and values.get(name) in (None, "")]
    if missing:
        raise UsageError(f"{missing[0]} is missing", known[missing[0]].meaning)
    return Call({name: _typed(known[name], value) for name, value in values.items() if value is not None})


def _typed(given: Field, value: Any) -> Any:
    if given.kind is int:
        try:
            return int(value) if not isinstance(value, bool | float) else int("")
        except (TypeError, ValueError):
            raise UsageError(f"{given.name}: expected a whole number", given.meaning) from None
    if given.kind is list:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{given.name}: expected a list of texts", given.meaning)
        return value
    if not isinstance(value, str) or "\0" in value:
        raise UsageError(f"{given.name}: expected a text", given.meaning)
    return value
