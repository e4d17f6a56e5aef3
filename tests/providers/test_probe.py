"""What the preflight learns of AutoSend without sending: reachable, key valid, plan not used up."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from newsletter.providers.autosend import AutoSend
from newsletter.simulator import Simulator, SimulatorOptions


def asked(url: str, key: str = "AS_right") -> str:
    return AutoSend(url, key, timeouts=(0.5, 0.5)).probe()


@contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server on loopback that does one thing with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        answer(connection)
            except OSError:
                return

        Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        server.shutdown(socket.SHUT_RDWR)


def page(status: str, body: str) -> Callable[[socket.socket], object]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())

    return answer


def test_a_provider_that_answers_and_takes_the_key_is_no_trouble_and_nothing_is_sent(tmp_path: Path) -> None:
    with Simulator(SimulatorOptions(tmp_path, api_key="AS_right", rate=0)) as simulator:
        assert asked(simulator.url) == ""
        trouble = asked(simulator.url, "AS_wrong")
        assert trouble == "the provider answered 401: invalid API key"
        assert "AS_wrong" not in trouble
    accepted = tmp_path / "accepted.ndjson"
    assert not accepted.exists() or accepted.read_text() == ""


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        ("200 OK", '{"success": true}', ""),
        ("404 Not Found", "{}", ""),
        ("429 Too Many Requests", "{}", ""),
        ("402 Payment Required", '{"error": {"message": "no credit"}}', "the provider answered 402: no credit"),
        ("403 Forbidden", "<html>", "the provider answered 403: "),
        ("500 Internal Server Error", "[]", "the provider answered 500: no message"),
        ("302 Found", "", "the provider answered 302: "),
    ],
)
def test_what_it_answers_is_told(status: str, body: str, trouble: str) -> None:
    with answering(page(status, body)) as url:
        found = asked(url)
    assert found.startswith(trouble) if trouble else found == ""


def test_a_provider_that_cannot_be_reached_hangs_or_hangs_up_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert asked(f"http://127.0.0.1:{port}/v1") == "the provider cannot be reached"
    with answering(lambda connection: connection.recv(1 << 20) and connection.recv(1)) as url:
        assert asked(url) == "the provider did not answer in time"
    with answering(lambda connection: connection.recv(10)) as url:
        assert asked(url) == "the connection broke before the answer"
