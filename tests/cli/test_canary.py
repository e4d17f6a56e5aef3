"""A secret that everything goes wrong with: it must be in no output, no log, no database and no file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from calling import ISSUE, TOML, Said, calling

CANARY = "AS_canary_4f9a1c2b7d"
SPELLINGS = ("canary_4f9a", "Y2FuYXJ5XzRm", "NhbmFyeV80Zj", "jYW5hcnlfNGY")  # as it is, and in Base64's three ways


@dataclass
class Place:
    """A publication that logs all it can, whose secret is the canary."""

    folder: Path
    capfd: pytest.CaptureFixture[str]
    said: list[Said] = field(default_factory=list)

    def configure(self, more: str) -> None:
        logs = '[logs]\nfile = true\nmetrics_token = "CANARY"\n[public]\nwebhook_secret = "CANARY"\n'
        retries = '[delivery]\nmax_attempts = 2\nbackoff = "1ms"\n'
        (self.folder / "newsletter.toml").write_text(TOML + logs + retries + more, encoding="utf-8")

    def run(self, *words: str) -> Said:
        said = calling(self.capfd, [*words, "-C", str(self.folder)])
        self.said.append(said)
        return said

    def all_ways(self, *words: str) -> list[Said]:
        """A command for people, with a traceback, for programs, and with lines of the log on stderr."""
        ways = ([], ["--debug"], ["--json"], ["--log-format", "json", "--debug"])
        return [self.run(*words, *way) for way in ways]

    def leaks(self) -> list[str]:
        """Where the canary is found."""
        found = [f"said by {said}" for said in self.said if _holds(said.out.encode() + said.err.encode())]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return found + [str(path) for path in files if _holds(path.read_bytes())]


def _holds(content: bytes) -> bool:
    return any(spelling.encode() in content for spelling in SPELLINGS)


@pytest.fixture
def place(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    folder = tmp_path / "publication"
    (folder / "issues").mkdir(parents=True)
    (folder / "issues" / "001-first.md").write_text(ISSUE, encoding="utf-8")
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.setenv("AUTOSEND_API_KEY", CANARY)
    made = Place(folder, capfd)
    made.configure("")
    (folder / "list.csv").write_text("email\nada@reader.example\n", encoding="utf-8")
    assert (
        made.run(
            "subscribers", "import", str(folder / "list.csv"), "--consent-source", "x", "--consent-date", "2026-05-01"
        ).code
        == 0
    )
    yield made
    assert made.leaks() == []
    logged = "".join(path.read_text() for path in (folder / ".newsletter" / "logs").glob("*"))
    assert logged, "nothing was logged, so nothing was proved"
    for line in logged.splitlines():
        json.loads(line)


@contextmanager
def answering(status: int, words: str) -> Iterator[str]:
    """A provider that answers everything with `status`, and tells everybody the key that it was given."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            key = self.headers.get("Authorization", "")
            error = {"message": words.format(key=key), "code": key}
            body = json.dumps({"success": False, "error": error}).encode()
            self.send_response(status)
            self.send_header("X-Your-Key", key)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 500])
def test_a_provider_that_repeats_the_key_in_its_answers(place: Place, status: int) -> None:
    with answering(status, "the key {key} is no good") as url:
        place.configure(f'[provider]\nbase_url = "{url}"\n')
        first = place.run("send", "first", "--now", "--confirm", "first:1")
        assert first.code in (3, 6, 7)
        assert "the key Bearer *** is no good" in first.err
        place.all_ways("send", "first", "--resume")
        place.all_ways("send", "first", "--test", "ed@desk.example")
        place.run("scheduler", "once", "--json")
        place.run("status")
        assert "Bearer ***" in place.run("doctor").out


@pytest.mark.slow
def test_a_provider_that_cannot_be_reached(place: Place) -> None:
    place.configure('[provider]\nbase_url = "http://127.0.0.1:1/v1"\n')
    assert place.run("send", "first", "--now", "--confirm", "first:1").code == 6
    place.all_ways("send", "first", "--resume")


def test_a_key_in_the_address_of_the_provider_is_refused_without_repeating_it(place: Place) -> None:
    place.configure(f'[provider]\nbase_url = "http://user:{CANARY}@127.0.0.1:1/v1"\n')
    assert {said.code for said in place.all_ways("status")} == {3}
    place.configure("")  # the file itself is the user's
    place.run("send", "nix", "--resume")


def test_a_key_in_the_place_of_its_name(place: Place) -> None:
    place.configure(f'[provider]\napi_key = "{CANARY}"\n')
    assert {said.code for said in place.all_ways("status")} == {3}
    place.configure("")
    place.run("send", "nix", "--resume")


def test_a_mail_server_that_refuses_the_password_and_repeats_it(place: Place) -> None:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")
                elif word == b"AUTH":
                    plain = f"{CANARY} ".encode()
                    self.wfile.write(b"535 no: " + plain + line.strip() + b"\r\n")
                else:
                    self.wfile.write(b"250 fine\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        smtp = f'smtp_host = "127.0.0.1"\nsmtp_port = {server.server_address[1]}\nsmtp_security = "none"\n'
        place.configure(f'[provider]\nname = "smtp"\napi_key = "CANARY"\nsmtp_user = "ada"\n{smtp}')
        said = place.run("send", "first", "--now", "--confirm", "first:1")
        place.all_ways("send", "first", "--resume")
        server.shutdown()
        thread.join()
    assert said.code == 3
    assert "535 no: ***" in said.err


def test_a_password_in_the_address_of_the_database(place: Place) -> None:
    for address in (
        f"postgresql://ada:{CANARY}@127.0.0.1:1/x",
        f"postgresql://ada:{CANARY}@[::1/x",
        f"mysql://a:{CANARY}@h/x",
    ):
        place.configure(f'[storage]\ndatabase_url = "{address}"\n')
        assert {said.code for said in place.all_ways("status")} <= {1, 3}
        place.run("config", "show")
        place.run("doctor", "--offline")
    place.configure("")


def test_a_crash_that_has_the_key_in_its_message(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError(f"the key is {CANARY}, and more of it: {CANARY!r}")

    monkeypatch.setattr("newsletter.pipeline.overview.overview", crash)
    said = place.all_ways("status")
    assert {each.code for each in said} == {1}
    assert "the key is ***" in said[0].err


def test_a_crash_in_a_theme(place: Place) -> None:
    theme = place.folder / "templates" / "mine"
    assert place.run("new-theme", "mine").code == 0
    for file in ("email.html", "web.html"):
        (theme / file).write_text("{% set key = site.nothing.at.all %}{{ key }}", encoding="utf-8")
    place.configure('[theme]\nname = "mine"\n')
    for said in place.all_ways("build", "first", "-o", str(place.folder / "build")):
        assert said.code != 0


def test_a_webhook_whose_address_is_the_secret(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (f"http://127.0.0.1:1/{CANARY}", f"nonsense:{CANARY}", f"http://[{CANARY}"):
        monkeypatch.setenv("CANARY", address)
        place.configure('[provider]\nname = "outbox"\n[notify]\nwebhook = "CANARY"\nwarn_empty = "30d"\n')
        place.run("scheduler", "once")


def test_a_thread_that_dies_of_the_key(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    from newsletter.cli.opening import publication_of
    from newsletter.cli.output import Output

    out = Output(folder=place.folder)
    publication_of(out)

    def die() -> None:
        raise RuntimeError(f"with {CANARY}")

    thread = threading.Thread(target=die, name="post room")
    thread.start()
    thread.join()
    out.closed(0)
    said = capfd.readouterr()
    place.said.append(Said(1, said.out, said.err))
    assert "post room died: with ***" in said.err
