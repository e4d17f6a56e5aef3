"""Runs the preview: a port, the watcher, the streams, and an end without waiting."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from newsletter.errors import UsageError
from newsletter.web.preview.answers import Answers
from newsletter.web.preview.app import Routes
from newsletter.web.preview.guard import Guard
from newsletter.web.preview.streams import Streams
from newsletter.web.preview.watching import watch
from newsletter.web.preview.workspace import Workspace
from newsletter.web.server import server_of

HOST = "127.0.0.1"
PORT = 8650
_NOTE = "preview.json"  # in the publication's state: where the preview runs


@dataclass(frozen=True)
class Place:
    """An open port. `wished` is the one that was asked for."""

    socket: socket.socket
    port: int
    wished: int

    @property
    def url(self) -> str:
        """Where the preview is."""
        return f"http://{HOST}:{self.port}/"


def take_port(wished: int) -> Place:
    """Listen on `wished`, or on a free port where it is taken. Raises UsageError for a port that cannot be."""
    if not 0 <= wished <= 65535:
        raise UsageError(f"--port: {wished} is no port", "expected 1 to 65535, or 0 for any")
    for port in (wished, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return Place(listener, listener.getsockname()[1], wished)
    raise UsageError("no port of this machine can be listened on")


def running_at(state: Path, folder: Path) -> str:
    """The address of a preview of the publication in `folder` that answers now; empty where none does."""
    try:
        url = str(json.loads((state / _NOTE).read_text(encoding="utf-8"))["url"])
        if not url.startswith(f"http://{HOST}:"):
            return ""
        with urlopen(f"{url}api/home", timeout=10) as answer:  # noqa: S310 - our own address, checked above
            return url if json.load(answer).get("folder") == str(folder) else ""
    except (OSError, ValueError, KeyError, TypeError, URLError):
        return ""


def page_of(url: str, name: str) -> str:
    """The address of an issue's page."""
    return f"{url}#{quote(name)}" if name else url


def serve(workspace: Workspace, place: Place, ready: Callable[[], None] = lambda: None) -> int:
    """Serve until Ctrl-C or SIGTERM; the number of the signal that ended it, 0 for none."""
    return asyncio.run(_serve(workspace, place, ready))


async def _serve(workspace: Workspace, place: Place, ready: Callable[[], None]) -> int:
    import uvicorn

    loop, streams, stop = asyncio.get_running_loop(), Streams(), asyncio.Event()
    token, ended = secrets.token_urlsafe(32), list[int]()

    def tell(names: set[str], files: bool) -> None:
        streams.tell(workspace.changed(files=files), names)

    routes = Routes(Answers(workspace), streams, token, lambda: tell(set(), files=False))
    config = uvicorn.Config(
        Guard(routes.application(), place.port, token),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        server_header=False,
        ws="none",
    )

    def end() -> None:
        streams.close()
        stop.set()

    def end_now(signal: int) -> None:
        """The streams first, so that nothing is waited for."""
        ended.append(signal)
        logging.getLogger("uvicorn.error").disabled = True  # who is cut off in the middle is no news now
        loop.call_soon_threadsafe(end)

    server = server_of(config, end_now)
    state = workspace.publication.state
    beat = workspace.pulse if workspace.publication.config.storage.database_url else None
    watching = asyncio.create_task(watch(workspace.publication.folder, state, tell, stop, beat))
    threading.Thread(target=_warm, args=(workspace,), daemon=True).start()
    if not workspace.read_only:
        _write_note(state / _NOTE, place.url)
    loop.call_soon(ready)
    try:
        await server.serve(sockets=[place.socket])
    finally:
        end()
        if not workspace.read_only:
            _remove_note(state / _NOTE, place.url)
        await asyncio.wait([watching], timeout=1)
    return ended[0] if ended else 0


def _warm(workspace: Workspace) -> None:
    """Load what rendering needs before anybody asks: the first issue costs a second, every other some milliseconds."""
    from newsletter.errors import NewsletterError

    try:
        names = workspace.names()
        if names:
            workspace.proof(names[0])
    except (NewsletterError, KeyError):
        return


def _write_note(note: Path, url: str) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"url": url}), encoding="utf-8")
    except OSError:
        return  # a second preview will not know of this one; nothing else depends on it


def _remove_note(note: Path, url: str) -> None:
    try:
        if json.loads(note.read_text(encoding="utf-8")).get("url") == url:
            note.unlink()
    except (OSError, ValueError):
        return
