"""The preview's routes. Reading goes on in threads, so that a slow issue never holds the streams up."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from newsletter import __version__
from newsletter.errors import NewsletterError, SafetyError, UsageError
from newsletter.web.preview.actions import act
from newsletter.web.preview.answers import EDITIONS, SOURCES, VIEWS, Answers, Question
from newsletter.web.preview.frames import IMAGES, LOOKS, policy
from newsletter.web.preview.streams import Streams

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_LONGEST_BODY = 100_000  # bytes of a POST
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Routes:
    """The handlers, over what answers them. `home` says who serves here, for a second preview that asks."""

    answers: Answers
    streams: Streams
    token: str
    tell: Callable[[], None]

    def application(self) -> Starlette:
        """The application with its one table of routes."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/assets/{name}", self.asset),
                Route("/events", self.events),
                Route("/api/home", self.home),
                Route("/api/board", self.board),
                Route("/api/readers", self.readers),
                Route("/api/month", self.month),
                Route("/api/issues/{name}", self.issue),
                Route("/api/issues/{name}/difference", self.difference),
                Route("/api/do/{action}", self.do, methods=["POST"]),
                Route("/frame/{name}", self.frame),
                Route("/source/{name}", self.source),
                Route("/share/{name}", self.share),
            ],
            exception_handlers={NewsletterError: _explain, KeyError: _missing, Exception: _failed},
        )

    async def page(self, _: Request) -> Response:
        """The one page, with the token that its POSTs need."""
        values = {"@token@": self.token, "@version@": __version__}
        page = _asset("index.html").decode()
        for mark, value in values.items():
            page = page.replace(mark, escape(value))
        return HTMLResponse(page)

    async def asset(self, request: Request) -> Response:
        """A file of the package's `assets/`."""
        name = request.path_params["name"]
        suffix = f".{name.rpartition('.')[2]}"
        if name not in _asset_names() or suffix not in _TYPES:
            raise KeyError(name)
        return Response(_asset(name), media_type=_TYPES[suffix], headers={"cache-control": "no-cache"})

    async def events(self, _: Request) -> Response:
        """What changes, as it changes."""
        stream = self.streams.listen(self.answers.workspace.version)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def home(self, _: Request) -> Response:
        """Whose preview this is."""
        return JSONResponse({"folder": str(self.answers.publication.folder), "version": __version__})

    async def board(self, _: Request) -> Response:
        """The list of issues."""
        return await _json(self.answers.board)

    async def issue(self, request: Request) -> Response:
        """One issue, beside its email."""
        return await _json(partial(self.answers.sheet, _question(request)))

    async def readers(self, request: Request) -> Response:
        """As whom an issue can be seen."""
        name, words = (request.query_params.get(key, "") for key in ("name", "q"))
        return await _json(partial(self.answers.readers, name, words[:100]))

    async def month(self, request: Request) -> Response:
        """A month of the calendar."""
        return await _json(partial(self.answers.month, request.query_params.get("month", "")[:7]))

    async def difference(self, request: Request) -> Response:
        """What changed since an earlier edition."""
        against = _one_of(request, "against", EDITIONS[1:])
        return await _json(partial(self.answers.difference, _question(request), against))

    async def frame(self, request: Request) -> Response:
        """The email in a sandbox."""
        view, look = _one_of(request, "view", VIEWS), _one_of(request, "look", LOOKS)
        images, since = _one_of(request, "images", IMAGES), _one_of(request, "since", ("", *EDITIONS[1:]))
        page = await run_in_threadpool(self.answers.page, _question(request), view, look, images, since)
        return HTMLResponse(page, headers={"content-security-policy": policy(images)})

    async def source(self, request: Request) -> Response:
        """A view in letters."""
        return PlainTextResponse(
            await run_in_threadpool(self.answers.source, _question(request), _one_of(request, "of", SOURCES))
        )

    async def share(self, request: Request) -> Response:
        """The issue as one file for reviewers."""
        slug, page = await run_in_threadpool(self.answers.share, request.path_params["name"])
        headers = {"content-disposition": f'attachment; filename="{slug}.html"'}
        return HTMLResponse(page, headers=headers | {"content-security-policy": "sandbox"})

    async def do(self, request: Request) -> Response:
        """An action: what a command does."""
        words = await _body(request)
        done = await run_in_threadpool(
            act,
            self.answers.workspace,
            request.path_params["action"],
            str(words.get("name", "")),
            str(words.get("digest", "")),
            [str(address) for address in words.get("to", [])],
        )
        self.tell()
        return JSONResponse(done.as_json())


def _question(request: Request) -> Question:
    query = request.query_params
    edition = query.get("edition", "now")
    return Question(
        request.path_params["name"],
        query.get("reader", "ada")[:40],
        edition if edition in EDITIONS else "now",
        query.get("direction", ""),
    )


def _one_of(request: Request, key: str, known: tuple[str, ...]) -> str:
    value = request.query_params.get(key, known[0])
    if value not in known:
        raise UsageError(f'{key}: there is no "{value[:40]}"', f"expected one of {', '.join(known)}")
    return value


async def _json(answer: Callable[[], Any]) -> Response:
    return JSONResponse(await run_in_threadpool(answer))


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that was posted; a form cannot be JSON, so a page elsewhere cannot send one unasked."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise UsageError("expected application/json")
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > _LONGEST_BODY:
            raise UsageError("too much was posted")
    try:
        words = json.loads(data)
    except ValueError:
        raise UsageError("what was posted is no JSON") from None
    if not isinstance(words, dict) or not isinstance(words.get("to", []), list):
        raise UsageError("expected an object, its `to` a list")
    return words


async def _explain(_: Request, error: Exception) -> Response:
    assert isinstance(error, NewsletterError)  # noqa: S101 - what it is registered for
    status = 403 if isinstance(error, SafetyError) else 400 if isinstance(error, UsageError) else 422
    return JSONResponse(
        {"ok": False, "code": error.code, "message": error.message, "hint": error.hint}, status_code=status
    )


async def _missing(_: Request, error: Exception) -> Response:
    return JSONResponse({"ok": False, "code": "missing", "message": f"there is no {error}", "hint": ""}, 404)


async def _failed(_: Request, error: Exception) -> Response:
    message = f"the preview failed: {type(error).__name__}: {error}"[:300]
    return JSONResponse({"ok": False, "code": "failed", "message": message, "hint": "please report it"}, 500)


@cache
def _asset_names() -> frozenset[str]:
    return frozenset(entry.name for entry in files("newsletter.web.preview").joinpath("assets").iterdir())


@cache
def _asset(name: str) -> bytes:
    return files("newsletter.web.preview").joinpath("assets", name).read_bytes()
