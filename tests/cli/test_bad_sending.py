"""Sending that is asked for wrongly, and providers that answer what they should not."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from calling import CONSENT, TOML, Call, complains

from newsletter.simulator import Simulator, SimulatorOptions

Answer = tuple[int, bytes, dict[str, str]]


@pytest.fixture
def readers(call: Call, publication: Path, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("email\na@x.example\nb@x.example\n")
    assert call("subscribers", "import", tmp_path / "l.csv", *CONSENT).code == 0


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSEND_API_KEY", "AS_right")


@pytest.fixture
def provider(publication: Path) -> Iterator[Callable[[Answer], None]]:
    """Starts a provider on this machine that gives one answer to everything."""
    servers = []

    def start(answer: Answer) -> None:
        status, body, headers = answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 - http.server's name

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that has heard enough hangs up
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        provide(publication, f"http://127.0.0.1:{server.server_address[1]}/v1")

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def provide(publication: Path, url: str) -> None:
    settings = f'[provider]\nbase_url = "{url}"\n[delivery]\nmax_attempts = 2\nbackoff = "0s"\n'
    (publication / "newsletter.toml").write_text(TOML + settings)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("send first", 2, "say how: one of"),
        ("send first --now --dry-run", 2, "say how: one of"),
        ("send first --test a@x.example --now", 2, "say how: one of"),
        ("send first --dry-run --confirm first:2", 2, "--confirm goes with --now"),
        ("send first --now --unknown repeat", 2, "--unknown"),
        ("send first --resume --unknown maybe", 2, "--unknown"),
        ("send first --test nobody", 2, "--test"),
        ("send first --now", 5, "first:2 (2 readers); it is missing"),
        ("send first --now --confirm yes", 5, 'first:2 (2 readers); found "yes"'),
        ("send first --now --confirm first:3", 5, 'found "first:3"'),
        ("send first --resume", 2, "has no broadcast to go on with"),
        ("send last --dry-run", 2, "nothing was sent yet"),
        ("send nope --resume", 2, "has no broadcast to go on with"),
    ],
)
@pytest.mark.usefixtures("readers")
def test_a_wish_to_send_that_is_not_clear_sends_nothing(call: Call, line: str, code: int, words: str) -> None:
    complains(call, code, *line.split(), of=words)
    assert call("status", "--json").data["data"]["broadcasts"] == []


def test_an_issue_is_not_spent_on_nobody(call: Call) -> None:
    complains(call, 5, "send", "first", "--now", "--confirm", "first:0", of="would go to nobody")


@pytest.mark.usefixtures("readers")
def test_an_issue_is_sent_once(call: Call) -> None:
    assert call("send", "first", "--now", "--confirm", "first:2").code == 0
    complains(call, 5, "send", "first", "--now", "--confirm", "first:2", of="has its broadcast already")
    complains(call, 5, "approve", "first", of="has its broadcast already")
    complains(call, 2, "approve", "next", of="no issue is left")
    assert "2 readers" in call("send", "last", "--resume").out
    assert call("status", "--json").data["data"]["broadcasts"][0]["sent"] == 2


def _failure(message: str) -> bytes:
    return json.dumps({"success": False, "error": {"message": message}}).encode()


@pytest.mark.parametrize(
    ("answer", "codes", "words"),
    [
        ((401, _failure("no such key"), {}), (3, 3), "check the key"),
        ((402, _failure("pay"), {}), (3, 3), "plan or credit"),
        ((403, _failure("domain"), {}), (3, 3), "domain must be verified"),
        ((404, b"<html>", {}), (3, 3), "check [provider] base_url"),
        ((413, _failure("the body is too large"), {}), (3, 3), "answered 413: the body is too large"),
        ((302, b"", {"Location": "http://127.0.0.1:9/"}), (3, 3), "answered 302"),
        ((500, _failure("\x1b[31mred"), {}), (6, 6), "answered 500: [31mred"),
        ((200, b"<html>hello</html>", {"Content-Type": "text/html"}), (6, 7), "answered 200"),
        ((200, b"[" * 100_000, {}), (6, 7), "answered 200"),
        ((200, gzip.compress(b"\0" * 50_000_000, 1), {"Content-Encoding": "gzip"}), (6, 7), "answered 200"),
        ((200, b"no gzip", {"Content-Encoding": "gzip"}), (6, 7), "broke before the answer"),
        ((503, b"", {}), (6, 7), "answered 503"),
    ],
    ids="401 402 403 404 413 redirect 500 html nested bomb broken-gzip 503".split(),
)
@pytest.mark.usefixtures("readers", "key")
def test_an_answer_that_is_none_of_ours_is_told_and_nobody_is_counted_as_sent(
    call: Call, provider: Callable[[Answer], None], answer: Answer, codes: tuple[int, int], words: str
) -> None:
    provider(answer)
    complains(call, codes[0], "send", "first", "--test", "a@x.example", of=words)
    assert call("status", "--json").data["data"]["broadcasts"] == []  # a test leaves no trace
    said = call("send", "first", "--now", "--confirm", "first:2")
    assert said.code == codes[1]
    assert words in said.err
    again = call("send", "first", "--resume")
    assert (again.code, again.out) == (codes[1], "")
    [broadcast] = call("status", "--json").data["data"]["broadcasts"]
    assert (broadcast["sent"], broadcast["state"] != "sent") == (0, True)
    assert "AS_right" not in said.err + again.err
    assert "\x1b" not in said.err


@pytest.mark.usefixtures("readers", "key")
def test_a_provider_that_is_not_there_is_told_and_gone_on_with_once_it_is(
    call: Call, publication: Path, tmp_path: Path
) -> None:
    provide(publication, "http://127.0.0.1:9/v1")
    complains(call, 6, "send", "first", "--test", "a@x.example", of="cannot be reached")
    assert call("send", "first", "--now", "--confirm", "first:2").code == 6
    with Simulator(SimulatorOptions(tmp_path / "mails", api_key="AS_other")) as simulator:
        provide(publication, simulator.url)
        said = call("send", "first", "--resume")
        assert (said.code, "check the key" in said.err) == (3, True)
    with Simulator(SimulatorOptions(tmp_path / "mails", api_key="AS_right")) as simulator:
        provide(publication, simulator.url)
        assert call("send", "first", "--resume").code == 0
        assert len(simulator.mailbox) == 2


def test_a_port_in_use_is_told(call: Call, tmp_path: Path) -> None:
    with Simulator(SimulatorOptions(tmp_path / "mails")) as simulator:
        port = simulator.page.rpartition(":")[2]
        complains(call, 1, "simulator", "--port", port, "--data", tmp_path / "other", of=port)
