"""No request, whatever it is, breaks a page: every route, method, body and header, and bytes that are no HTTP."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_public_pages import patient, tokens
from test_served import served  # noqa: F401 - a fixture
from visiting import Visitor

from newsletter.web.public.app import ROUTES

_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
_BYTES = st.binary(max_size=60)
_NAMES = st.sampled_from(
    ["email", "do", "every", "pause", "topic", "sure", "website", "List-Unsubscribe", "q", "page", ""]
)
_WORDS = st.sampled_from(
    ["a@b.example", "save", "move", "erase", "yes", "keep", "7", "-1", "²", "٣", "9" * 30, "\0", "%00"]
)
_TYPES = st.sampled_from(
    [
        b"application/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded; charset=utf-7",
        b"multipart/form-data; boundary=x",
        b"multipart/form-data",
        b"application/json",
        b"text/html; charset=\xff",
        b"",
    ]
)
_HEADERS = st.sampled_from(
    "cookie host user-agent accept accept-language accept-encoding if-none-match if-modified-since range referer "
    "origin forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-prefix x-real-ip via te expect "
    "upgrade content-length content-encoding transfer-encoding authorization x-webhook-signature x-webhook-timestamp "
    "x-http-method-override x-original-url".split()
)
_ODD = st.sampled_from(
    [b"*", b"\xff\xfe", b"0", b"a" * 9000, b"unknown, ::1, 1.2.3.4:5", b"bytes=9-1", b"\x00", b'"' * 50]
)
_MULTIPART = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@b.example\r\n--x--\r\n'


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """The body of a form: names twice, bytes that are no text, separators of all kinds."""
    fields = draw(st.lists(st.tuples(_NAMES, _TEXT | _WORDS), max_size=6))
    pairs = [f"{quote(name)}={quote(value)}".encode() for name, value in fields]
    pairs += [b"email=" + quote(raw).encode() for raw in draw(st.lists(_BYTES, max_size=2))]
    return draw(st.sampled_from([b"&", b";", b"&&", b"="])).join(pairs)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_whatever_it_is_breaks_a_route(town: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path, _, _ in ROUTES]))
    word = data.draw(
        st.sampled_from(tokens(town)) | _TEXT | st.sampled_from(["%00", "%ff%fe", "%2e%2e", "a%2Fb", "\u202e"])
    )
    target = re.sub(r"\{[^}]*\}", lambda _: word.replace("?", "%3F").replace("#", "%23"), path)
    target = data.draw(st.sampled_from(["", "/letters", "//"])) + target
    query = data.draw(st.text("q=&%+;abcé\x00page0129", max_size=20))
    method = data.draw(
        st.sampled_from(["GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "Ünï"])
    )
    body = data.draw(
        forms() | _BYTES | st.sampled_from([_MULTIPART, b'{"email": "a@b.example"}', b"&" * 5000, b"x=" * 300])
    )
    raw = [
        (name.encode(), value) for name, value in data.draw(st.lists(st.tuples(_HEADERS, _ODD | _BYTES), max_size=5))
    ]
    raw.append((b"content-type", data.draw(_TYPES)))
    page = Visitor(patient(town)).ask(method, f"{target}?{query}", body, raw=raw)
    assert page.status < 500
    assert "content-security-policy" in page.headers
    assert "set-cookie" not in page.headers


RUDE = {
    "nothing that is HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "a bare line": b"GET /\n\n",
    "no version": b"GET /health\r\n\r\n",
    "an old version": b"GET /health HTTP/0.9\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "an odd host": b"GET /what HTTP/1.1\r\nHost: evil.example/@:99999999\r\nConnection: close\r\n\r\n",
    "an empty host": b"GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "a whole address": b"GET http://evil.example/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "no text in the path": b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a NUL in a header": b"GET /health HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "bytes in a header": b"GET /health HTTP/1.1\r\nHost: x\r\nCookie: \xff\xfe\r\nConnection: close\r\n\r\n",
    "a folded header": b"GET /health HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nConnection: close\r\n\r\n",
    "a space before a colon": b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
    "huge headers": b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
    "a long path": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length below nothing": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n0\r\n\r\n",
    "chunks of no size": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
    "chunks without end": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1000\r\n" + b"a" * 4096 + b"\r\n" + b"4000\r\n" + b"b" * 16384 + b"\r\n",
    "an encoding nobody knows": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a promise to wait": b"POST /subscribe HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    b"Content-Length: 99999\r\n\r\n",
    "another protocol": b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "the next version": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}  # fmt: skip


def test_bytes_that_are_no_request_get_a_refusal_and_the_next_reader_an_answer(served: Any) -> None:  # noqa: F811
    for name, sent in RUDE.items():
        answer = exchange(served.port, sent)
        status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
        assert not answer or (status and int(status[1]) < 500), (name, answer[:80])
    healthy = exchange(served.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert healthy.startswith(b"HTTP/1.1 200")


def exchange(port: int, sent: bytes) -> bytes:
    """What the server says to these bytes before it closes, or pauses."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        try:
            connection.sendall(sent)
            while len(heard) < 65536 and (part := connection.recv(65536)):
                heard += part
                if b"\r\n\r\n" in heard and b"\r\n100" not in heard[:12]:
                    break
        except OSError:
            pass
    return heard
