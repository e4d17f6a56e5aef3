"""Runs the public pages: a port, the post room, the events, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import FrameType
from typing import Any

from newsletter.config import revealed
from newsletter.delivery.protocol import Provider
from newsletter.errors import UsageError
from newsletter.providers.anymail_events import services
from newsletter.publication import Publication
from newsletter.store.database import Store
from newsletter.web.public.app import application
from newsletter.web.public.house import House, open_house
from newsletter.web.public.inbox import Inbox
from newsletter.web.public.postroom import PostRoom

HEAD_SECONDS = 10.0  # from the first byte of a request, or the connection, to the end of its headers
_AT_ONCE = 500  # connections; the next one is told to come back (503)


@contextmanager
def open_doors(
    publication: Publication,
    store: Store,
    provider: Provider,
    now: Callable[[], datetime],
    say: Callable[[str], None],
) -> Iterator[tuple[House, PostRoom]]:
    """The house with its post room and its events at work, for as long as the `with` lasts."""
    config = publication.config.public
    token = revealed(publication.config.logs.metrics_token)
    inbox = Inbox(store, "autosend", config.soft_bounces, now, say)
    house = open_house(
        publication,
        store,
        now,
        secret=revealed(config.webhook_secret),
        anymail=services(revealed, publication.config.publication.base_url),
        inbox=inbox,
        metrics_token=token,
    )
    room = PostRoom(house, provider, say)
    house = replace(house, ring=room.bell.set)
    room.start()
    inbox.start()
    house.tally.say = say
    house.tally.start()
    try:
        yield house, room
    finally:
        inbox.stop()
        house.tally.stop()
        room.stop()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any free one. Raises UsageError where that cannot be."""
    if not 0 <= port <= 65535:
        raise UsageError(f"--port: {port} is no port", "expected 1 to 65535, or 0 for any")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except (OSError, UnicodeError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{host}:{port} cannot be listened on: {reason}", "choose another --port or --host") from None
    return listener


def serve(
    house: House,
    listener: socket.socket,
    say: Callable[[str], None],
    proxies: Sequence[str] = (),
    started: Callable[[Callable[[], None]], None] = lambda _: None,
    *,
    api: Any = None,
) -> int:
    """Serve until Ctrl-C or SIGTERM, or until the function that `started` is given is called; the signal's number.

    `api` is an ASGI application for what is below `/api`.
    """
    pages: Any = application(house, say)
    app = beside(pages, api, house.root) if api else pages
    return asyncio.run(_serve(app, listener, proxies, started))


async def _serve(
    app: Any,
    listener: socket.socket,
    proxies: Sequence[str],
    started: Callable[[Callable[[], None]], None],
) -> int:
    import uvicorn

    ended = list[int]()
    config = uvicorn.Config(
        app,
        log_level="warning",
        log_config=None,  # its lines go where ours go, masked as ours are
        access_log=False,
        lifespan="off",
        ws="none",
        http=_patient_protocol(),
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32_768,
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
            """End; the signal is not raised again."""
            ended.append(sig)
            self.should_exit = True

    server = Server(config)

    def stop() -> None:
        server.should_exit = True

    started(stop)
    await server.serve(sockets=[listener])
    return ended[0] if ended else 0


def beside(pages: Any, api: Any, root: str) -> Any:
    """One ASGI application: `api` for what is below `/api`, with or without the publication's path, else `pages`."""
    places = tuple({f"{root}/api", "/api"})

    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = str(scope.get("path", ""))
        place = next((place for place in places if path == place or path.startswith(f"{place}/")), None)
        if scope["type"] != "http" or place is None:
            await pages(scope, receive, send)
            return
        inner = path[len(place) :] or "/"
        await api(dict(scope) | {"path": inner, "raw_path": inner.encode(), "root_path": ""}, receive, send)

    return application


def _patient_protocol() -> type[asyncio.Protocol]:
    """uvicorn's HTTP/1.1 that does not wait for ever: a request's head must be complete in HEAD_SECONDS."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._busy():
                self._cancel()
            elif self._late is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._cancel()
            super().on_response_complete()

        def _wait(self) -> None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._give_up)

        def _cancel(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _give_up(self) -> None:
            self._late = None
            if not self._busy():
                self.transport.close()

        def _busy(self) -> bool:
            cycle: Any = self.cycle  # None before the first request
            return cycle is not None and not cycle.response_complete

    return Patient
