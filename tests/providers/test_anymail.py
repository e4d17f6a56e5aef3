"""Any service through Anymail: the contract over real HTTP, every answer's meaning, and no Django project."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from email.utils import getaddresses
from pathlib import Path

import pytest
from contract import MESSAGE, SECRET, Arrived, Contract, reader
from mailserver import free_port
from postmark import Postmark, postmark

from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Outcome,
    Provider,
    RecipientsRefused,
    Refused,
    Setup,
    Unknown,
)
from newsletter.errors import ConfigError

pytest.importorskip("anymail")
from newsletter.providers.anymail import Anymail, open_anymail


def opened(url: str, **settings: str) -> Anymail:
    told = {"service": "postmark", "server_token": SECRET, "api_url": url} | settings
    return open_anymail(Setup(told, connect_timeout=5, read_timeout=0.5))


class TestAnymail(Contract):
    @pytest.fixture
    def provider(self) -> Iterator[Provider]:
        with postmark(SECRET) as self.server:
            provider = opened(self.server.url)
            yield provider
            provider.close()

    def arrived(self) -> list[Arrived]:
        found = []
        for mail in self.server.mails:
            ((name, to),) = getaddresses([mail["To"]])
            headers = {header["Name"]: header["Value"] for header in mail.get("Headers", [])}
            found.append(Arrived(to, name, mail["Subject"], mail["HtmlBody"], mail["TextBody"], headers))
        return found

    def gone(self) -> Provider:
        return opened(f"http://127.0.0.1:{free_port()}/")


@pytest.fixture
def server() -> Iterator[Postmark]:
    with postmark(SECRET) as running:
        yield running


def post(server: Postmark, *answers: tuple[int, dict[str, str], object]) -> Outcome:
    server.answers = list(answers)
    provider = opened(server.url)
    outcome = provider.prepare(MESSAGE)([reader(1)], "key-1")
    provider.close()
    return outcome


def failed(code: int, message: str) -> dict[str, object]:
    return {"ErrorCode": code, "Message": message}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {}, {"ErrorCode": 0, "Message": "OK", "MessageID": "m", "To": "r1@reader.example"}), Accepted),
        ((200, {}, {"ErrorCode": 0, "Message": "OK", "MessageID": "m", "To": "someone@else.example"}), Unknown),
        ((200, {}, b"<html>login to the hotel's network</html>"), Unknown),
        ((200, {}, {}), Unknown),
        ((422, {}, failed(406, "Found inactive addresses: r1@reader.example. Inactive recipients")), RecipientsRefused),
        ((422, {}, failed(300, "Invalid 'To' address: 'r1@reader.example'.")), RecipientsRefused),
        ((422, {}, failed(300, "Invalid 'From' address: 'x'.")), Blocked),
        ((422, {}, failed(405, "Not allowed to send: r1@reader.example has no credit")), RecipientsRefused),
        ((401, {}, failed(10, "No such server token")), Blocked),
        ((404, {}, b""), Blocked),
        ((429, {"Retry-After": "7"}, failed(429, "slow")), Refused),
        ((408, {}, b""), Unknown),
        ((500, {}, failed(100, "maintenance")), Unknown),
        ((502, {}, b"<html>"), Unknown),
        ((200, {"Content-Length": "9000"}, b"{"), Unknown),
    ],
)
def test_every_answer_has_one_meaning(server: Postmark, answer: tuple[int, dict[str, str], object], kind: type) -> None:
    assert type(post(server, answer)) is kind


def test_the_wait_that_is_asked_for_is_kept_and_the_servers_name_for_a_mail_too(server: Postmark) -> None:
    assert post(server, (429, {"Retry-After": "7"}, {})) == Refused("the provider answered 429", 7.0, too_fast=True)
    assert post(server) == Accepted("message-1")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_follows_no_redirect(server: Postmark, status: int) -> None:
    with postmark(SECRET) as other:
        assert isinstance(
            post(server, (status, {"Location": other.url.replace("127.0.0.1", "localhost")}, b"")), Blocked
        )
        assert (len(server.tokens), other.tokens) == (1, [])


def test_no_netrc_file_puts_another_key_in(server: Postmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert isinstance(post(server), Accepted)
    assert server.tokens == [SECRET]


def test_each_thread_has_a_connection_of_its_own(server: Postmark) -> None:
    provider, outcomes = opened(server.url), list[Outcome]()
    call = provider.prepare(MESSAGE)

    def work(start: int) -> None:
        outcomes.extend(call([reader(number)], "k") for number in range(start, start + 5))

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    provider.close()
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len({mail["To"] for mail in server.mails}) == 15


def test_no_secret_is_shown_anywhere(server: Postmark) -> None:
    outcome = post(server, (401, {}, failed(10, "No such token")))
    assert SECRET not in repr(outcome)
    assert SECRET not in repr(Setup({"server_token": SECRET}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "service is missing"),
        ({"service": "pigeon"}, 'Anymail knows no service "pigeon"'),
        ({"service": "../x"}, 'Anymail knows no service "../x"'),
        ({"service": "postmark"}, "POSTMARK_SERVER_TOKEN"),
        ({"service": "postmark", "server_token": "x", "mesage_stream": "y"}, "there is no setting mesage_stream"),
        ({"service": "amazon_ses"}, "amazon_ses: The boto3 package isn.t installed"),
    ],
)
def test_what_is_missing_or_mistaken_is_named(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_anymail(Setup(settings))


def test_the_command_line_starts_without_django() -> None:
    import subprocess

    code = "import newsletter.cli.app, newsletter.pipeline.providers, sys; print('django' in sys.modules)"
    code += "; print('procrastinate' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
