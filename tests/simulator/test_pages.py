"""The pages for people."""

from __future__ import annotations

import socket

import pytest

from .conftest import Client
from .test_mails import MAIL, SINGLE

EVIL = "<script>alert(1)</script>"


def test_an_empty_mailbox_says_so(client: Client) -> None:
    assert "None yet" in client.page("/")[1]


def test_the_list_counts_and_pages_newest_first(client: Client) -> None:
    for part in range(2):
        recipients = [{"email": f"r{part * 60 + number:03}@x.example"} for number in range(60)]
        client.post("/mails/bulk", MAIL | {"recipients": recipients})
    first, last = client.page("/")[1], client.page("/?page=3")[1]
    assert "120 emails" in first and "page 1 of 3" in first
    assert "r119@x.example" in first and "r069@x.example" not in first
    assert 'href="/?page=2" rel="next"' in first and 'rel="prev"' not in first
    assert "r019@x.example" in last and "r000@x.example" in last and 'rel="next"' not in last
    for odd in ("0", "-1", "99", "x", "9" * 50, "²"):
        assert client.page(f"/?page={odd.replace('²', '%C2%B2')}")[0] == 200


def test_an_email_has_its_neighbours_headers_and_both_parts(client: Client) -> None:
    more = {"replyTo": {"email": "re@x.example"}, "headers": {"X-One": "1"}, "cc": [{"email": "cc@x.example"}]}
    for number in range(3):
        client.post("/mails/send", SINGLE | more | {"subject": f"No {number}"})
    page = client.page("/emails/1")[1]
    assert 'href="/emails/2" rel="prev"' in page and 'href="/emails/0" rel="next"' in page and "2 of 3" in page
    for words in ("re@x.example", "X-One", "cc@x.example", "Anna &lt;anna@example.org&gt;", "A &amp;amp; B"):
        assert words in page
    assert '<iframe sandbox="allow-popups" src="/emails/1/html"' in page


def test_an_email_cannot_act_on_the_page_around_it(client: Client) -> None:
    to = {"email": "a@x.example", "name": EVIL}
    client.post("/mails/send", MAIL | {"to": to, "subject": EVIL, "html": EVIL, "text": EVIL, "headers": {"X": EVIL}})
    for path in ("/", "/emails/0"):
        status, page, headers = client.page(path)
        assert status == 200
        assert EVIL not in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    _, page, headers = client.page("/emails/0/html")
    assert page == EVIL
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "sandbox allow-popups" in policy


@pytest.mark.parametrize("path", ["/emails/0", "/emails/x", "/emails/-1", "/nothing", "/unsubscribe/x", "/emails/0/x"])
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    assert client.page(path)[0] == 404


def test_another_name_for_this_machine_shows_nothing(client: Client) -> None:
    assert client.page("/", Host="evil.example")[0] == 421


def test_bodies_that_are_not_kept_are_no_error(start) -> None:  # type: ignore[no-untyped-def]
    client = start(bodies="template")
    client.post("/mails/send", SINGLE)
    assert "told not to keep" in client.page("/emails/0")[1]


@pytest.mark.parametrize(
    ("length", "status"), [("Content-Length: 99999999999\r\n", b"413"), ("", b"411"), ("Content-Length: x\r\n", b"411")]
)
def test_a_body_too_large_or_of_no_length_is_not_read(client: Client, length: str, status: bytes) -> None:
    port = int(client.simulator.page.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"POST /v1/mails/send HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode())
        assert connection.recv(1000).split()[1] == status
