"""What runs under the preview and the public pages: uvicorn, whose end by a signal is told and not raised again."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn


def server_of(config: uvicorn.Config, ended: Callable[[int], None]) -> uvicorn.Server:
    """A server that ends at Ctrl-C or SIGTERM, and first calls `ended` with the signal's number."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
            self.should_exit = True
            ended(sig)

    return Server(config)
