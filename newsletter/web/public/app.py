"""The route table of the public pages, and the way from HTTP to a handler and back.

A handler is a function from the house and a plain `Ask` to a plain `Answer`. It runs in a thread, since it waits for
the database; the event loop only reads and writes. The one for events is a coroutine: a thousand a second would cost a
thousand changes of thread.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from newsletter.web.public import hooks, joining, leaving, measuring, moved, reading, replies
from newsletter.web.public.exchange import Answer, Ask, read_form
from newsletter.web.public.guard import Guard
from newsletter.web.public.house import House
from newsletter.web.public.limits import network_of

Handler = Callable[[House, Ask], Answer | Coroutine[Any, Any, Answer]]

# path, what answers it, whether a POST is taken; the first that fits
ROUTES: tuple[tuple[str, Handler, bool], ...] = (
    ("/webhooks/autosend", hooks.autosend, True),
    ("/webhooks/anymail/{service}", hooks.anymail, True),
    ("/", reading.home, False),
    ("/page/{number}/", reading.later, False),
    ("/tags/{tag:path}/page/{number}/", reading.tagged, False),
    ("/tags/{tag:path}/", reading.tagged, False),
    ("/feed.xml", reading.rss, False),
    ("/atom.xml", reading.atom, False),
    ("/feed.json", reading.json_feed, False),
    ("/sitemap.xml", reading.sitemap, False),
    ("/robots.txt", reading.robots, False),
    ("/health", reading.health, False),
    ("/metrics", hooks.metrics, False),
    ("/favicon.ico", reading.no_icon, False),
    ("/subscribe", joining.subscribe, True),
    ("/subscribe/", joining.subscribe, True),
    ("/subscribe/embed", joining.embed, False),
    ("/confirm/{token}", joining.confirm, True),
    ("/move/{token}", joining.move, True),
    ("/unsubscribe", leaving.lost_link, True),
    ("/unsubscribe/", leaving.lost_link, True),
    ("/unsubscribe/{token}", leaving.unsubscribe, True),
    ("/preferences/{token}", leaving.preferences, True),
    ("/card.png", reading.card, False),
    ("/{slug}/card.png", reading.card, False),
    ("/c/{token}", measuring.click, False),
    ("/o/{token}.gif", measuring.pixel, False),
    ("/{slug}/images/{name}", reading.picture, False),
    ("/{slug}/", reading.issue_page, False),
    ("/{slug}", reading.to_issue, False),
)


def application(house: House, say: Callable[[str], None] = lambda _: None) -> Guard:
    """The public pages as an ASGI application. `say` is told what went wrong inside."""

    async def no_page(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's
        return _response(house, request, await _elsewhere(house, request) or replies.missing(house))

    async def not_so(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's
        return _response(house, request, Answer(b"method not allowed\n", 405, "text/plain", headers={"Allow": "GET"}))

    routes = [
        Route(path, _endpoint(house, handler, say), methods=["GET", "POST"] if posts else ["GET"])
        for path, handler, posts in ROUTES
    ]
    app = Starlette(routes=routes, exception_handlers={404: no_page, 405: not_so})
    app.router.redirect_slashes = False  # Starlette's redirect would name whatever host was asked for
    return Guard(app, urlsplit(house.site.base_url).path.rstrip("/"))


def _endpoint(house: House, handler: Handler, say: Callable[[str], None]) -> Callable[[Request], Any]:
    call: Callable[[House, Ask], Any] = handler
    waits = iscoroutinefunction(handler)

    async def answer(request: Request) -> Response:
        ask = _ask(request)
        # Mail services fetch pictures and try links of all their readers from a few networks.
        free = ask.posted or handler in (reading.picture, measuring.click, measuring.pixel)
        wait = 0.0 if free else house.limits.reading.wait(ask.network)
        if wait:
            return _response(house, request, replies.too_often(house, wait))
        try:
            made: Answer = await (call(house, ask) if waits else run_in_threadpool(call, house, ask))
        except Exception as error:
            say(f"{request.method} {request.url.path.split('/')[1]}: {type(error).__name__}: {error}")
            _ = house.words
            made = replies.message(
                house, _("Not now"), _("Something failed here. Please try it again later."), status=503
            )
        if made.status == 404 and not ask.posted:
            made = await _elsewhere(house, request) or made
        return _response(house, request, made)

    return answer


async def _elsewhere(house: House, request: Request) -> Answer | None:
    """Where the page went that stood at this address in another program's time."""
    return await run_in_threadpool(moved.sent_on, house, str(request.scope["path"])) if house.redirects else None


def _ask(request: Request) -> Ask:
    host = request.client.host if request.client else ""
    raw = request.url.query
    query = dict(read_form(raw.encode("utf-8", "replace")))
    body: bytes = request.scope.get("newsletter.body", b"")
    return Ask(request.method, request.path_params, query, request.headers, body, network_of(host), raw)


def _response(house: House, request: Request, answer: Answer) -> Response:
    whole = answer.with_headers(house.origin)
    tag = whole.headers.get("ETag")
    if tag and tag in request.headers.get("if-none-match", ""):
        return Response(b"", 304, {"ETag": tag, "Cache-Control": whole.headers["Cache-Control"]})
    return Response(whole.body, whole.status, dict(whole.headers))
