"""A running simulator and a plain HTTP client to talk to it with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from newsletter.simulator import Simulator, SimulatorOptions

_OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Client:
    """Calls of one simulator; what comes back is (status, JSON body, headers)."""

    simulator: Simulator

    def call(
        self, method: str, path: str, body: object = None, key: str = "AS_right", **headers: str
    ) -> tuple[int, Any, Any]:
        """`body` is sent as JSON, or as it is where it is bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
        try:
            with _OPENER.open(Request(self.simulator.url + path, data, sent, method=method), timeout=10) as answer:
                return answer.status, json.load(answer), answer.headers
        except HTTPError as answer:
            with answer:
                return answer.code, json.load(answer), answer.headers

    def post(self, path: str, body: object) -> Any:
        """The body of the answer to a POST."""
        return self.call("POST", path, body)[1]

    def page(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
        """A page for people."""
        data = b"" if method == "POST" else None
        try:
            request = Request(self.simulator.page + path, data, headers, method=method)
            with _OPENER.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode(), answer.headers


Start = Callable[..., Client]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a simulator with the options named; all of them stop with the test."""
    with ExitStack() as running:

        def start(**options: Any) -> Client:
            given = {"data": tmp_path / "data", "rate": 0, "api_key": "AS_right"} | options
            return Client(running.enter_context(Simulator(SimulatorOptions(**given))))

        yield start


@pytest.fixture
def client(start: Start) -> Client:
    """A client of a simulator without limits."""
    return start()
