"""The HTTP API: one key, one JSON object, never a fault of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.library import Newsletter, open_newsletter
from newsletter.web.api.app import Api, Keys
from newsletter.web.api.openapi import describe
from newsletter.web.api.operations import OPERATIONS

TOML = """\
[publication]
name = "Test & co"
base_url = "https://test.example/letters"
sender = "Test <test@test.example>"
postal_address = "Street 1, Town"
"""
ISSUE = """\
---
subject: A first issue about nothing
preheader: What is in it, and why to read it
author: Ada
---

Text.
"""
WRITE, READ = "w" * 32, "r" * 32


@dataclass(frozen=True)
class Said:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Calls the ASGI application as a server would."""

    app: Any
    letter: Newsletter

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = WRITE,
        raw: bytes | None = None,
        host: str = "::1",
    ) -> Said:
        return asyncio.run(
            self._call(method, path, json.dumps(body).encode() if body is not None else raw or b"", key, host)
        )

    async def _call(self, method: str, path: str, body: bytes, key: str, host: str) -> Said:
        place, _, query = path.partition("?")
        headers = [
            (b"content-type", b"application/json"),
            *([(b"authorization", f"Bearer {key}".encode())] if key else []),
        ]
        scope = {"type": "http", "method": method, "path": place, "raw_path": place.encode(), "root_path": "",
                 "query_string": query.encode(), "headers": headers, "client": (host, 1), "http_version": "1.1",
                 "scheme": "http", "server": ("x", 80)}  # fmt: skip
        parts = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return parts.pop(0) if parts else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return Said(start["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("letter")
    (folder / "issues").mkdir()
    (folder / "newsletter.toml").write_text(TOML, encoding="utf-8")
    (folder / "issues" / "001-first.md").write_text(ISSUE, encoding="utf-8")
    (folder / "issues" / "002-draft.md").write_text(
        ISSUE.replace("---\n\n", "status: draft\n---\n\n"), encoding="utf-8"
    )
    with open_newsletter(folder) as letter:
        yield Client(Api(letter, Keys(WRITE, READ)).application(), letter)


def test_an_issue_is_approved_held_and_let_go(client: Client) -> None:
    assert [issue["slug"] for issue in client("GET", "/v1/issues").json["data"]] == ["first", "draft"]
    one = client("GET", "/v1/issues/first").json["data"]
    assert one["edition"]["subject"] == "A first issue about nothing"
    assert {"rule", "severity", "line"} <= set(client("GET", "/v1/issues/draft").json["data"]["findings"][0])
    assert client("POST", "/v1/issues/first/approve", {"by": "CI"}).json["data"]["place"] == 1
    assert client("POST", "/v1/queue/first/hold").json["data"][0]["held"] is True
    assert client("POST", "/v1/queue/first/release").json["data"][0]["held"] is False
    assert client("POST", "/v1/queue/first/move", {"place": 1}).status == 200
    assert client("GET", "/v1/calendar?weeks=2").json["data"][0]["slug"] == "first"
    assert client("GET", "/v1/queue").json["data"][0]["approved_by"] == "CI"
    assert client("POST", "/v1/issues/first/unapprove").json["data"] == []


def test_readers_are_added_shown_paged_and_removed(client: Client) -> None:
    for number in range(3):
        body = {"email": f"r{number}@reader.example", "consent_source": "a program", "tags": ["beta"]}
        assert client("POST", "/v1/subscribers", body).json["data"] == {"added": True}
    first = client("GET", f"/v1/subscribers?segment={quote('tag:beta')}&limit=2").json["data"]
    rest = client("GET", f"/v1/subscribers?limit=2&after={first['next']}").json["data"]
    assert [row["email"] for row in (*first["subscribers"], *rest["subscribers"])] == [
        f"r{number}@reader.example" for number in range(3)
    ]
    assert rest["next"] is None
    assert client("GET", "/v1/subscribers/r0@reader.example").json["data"]["subscriber"]["tags"] == ["beta"]
    assert client("POST", "/v1/subscribers/r0@reader.example/remove").json["data"] == {"removed": True}
    again = client("POST", "/v1/subscribers", {"email": "r0@reader.example", "consent_source": "x"})
    assert (again.status, again.json["error"]["code"]) == (409, "refused")
    assert client("GET", "/v1/stats").json["data"]["subscribers_by_state"]["unsubscribed"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("GET", "/v1/issues/none", None, (400, "usage")),
        ("GET", "/v1/nonsense", None, (404, "not_found")),
        ("DELETE", "/v1/queue", None, (405, "not_found")),
        ("GET", "/v1/issues?x=1", None, (400, "usage")),
        ("GET", "/v1/subscribers?limit=many", None, (400, "usage")),
        ("GET", "/v1/subscribers?limit=100000", None, (400, "usage")),
        ("GET", "/v1/subscribers?segment=tag:", None, (400, "usage")),
        ("GET", "/v1/subscribers/nobody@reader.example", None, (404, "not_found")),
        ("POST", "/v1/subscribers", {"email": "a@reader.example"}, (400, "usage")),
        ("POST", "/v1/subscribers", {"email": "nonsense", "consent_source": "x"}, (400, "usage")),
        (
            "POST",
            "/v1/subscribers",
            {"email": "a@reader.example", "consent_source": "x", "tags": "beta"},
            (400, "usage"),
        ),
        ("POST", "/v1/subscribers", ["a"], (400, "usage")),
        ("POST", "/v1/queue/first/move", {"place": True}, (400, "usage")),
        ("POST", "/v1/issues/draft/approve", None, (409, "refused")),
        ("GET", "/v1/stats/first", None, (400, "usage")),
    ],
)
def test_what_is_wrong_is_told(client: Client, method: str, path: str, body: object, answer: tuple[int, str]) -> None:
    said = client(method, path, body)
    assert (said.status, said.json["error"]["code"]) == answer, said
    assert said.json["ok"] is False


def test_a_body_that_is_no_object_or_too_large_is_told(client: Client) -> None:
    for raw in (b"{", b"\xff", b"[" * 100_000, b" " * 70_000, b'"x"'):
        assert client("POST", "/v1/subscribers", raw=raw).status == 400


def test_without_the_right_key_nothing_is_told_or_done(client: Client) -> None:
    for operation in OPERATIONS:
        path = "/v1" + operation.path.replace("{slug}", "first").replace("{email}", "a@reader.example")
        for key in ("", "x", WRITE[:-1], READ + "x"):
            said = client(operation.method, path, key=key, host=f"10.1.{hash(path) % 250}.{hash(key) % 250}")
            assert (said.status, said.headers["www-authenticate"]) == (401, "Bearer")
            assert b"first" not in said.body
        if operation.method == "POST":
            assert client("POST", path, key=READ, host="10.2.0.1").status in (403, 429)


def test_a_key_that_may_read_reads(client: Client) -> None:
    assert client("GET", "/v1/status", key=READ).status == 200
    assert "folder" not in client("GET", "/v1/status", key=READ).json["data"]


def test_who_guesses_keys_has_to_wait(client: Client) -> None:
    answers = [client("GET", "/v1/queue", key=f"guess{n}", host="10.3.0.1").status for n in range(25)]
    assert answers[:20] == [401] * 20
    assert set(answers[20:]) == {429}
    assert client("GET", "/v1/queue", host="10.3.0.1").status == 200  # who has the key is not kept out


def test_keys_rotate_and_an_empty_key_opens_nothing() -> None:
    both = Keys("new old")
    assert both.allow("new", writing=True)
    assert both.allow("old", writing=True)
    assert not both.allow("new old", writing=True)
    assert not Keys("").allow("", writing=False)
    assert not Keys("a", "b").allow("b", writing=True)
    assert not Keys("a").allow("é", writing=False)


def test_every_answer_is_never_cached_and_no_page_of_scripts(client: Client) -> None:
    for path in ("/", "/openapi.json", "/v1/queue", "/v1/none"):
        said = client("GET", path)
        assert said.headers["cache-control"] == "no-store"
        assert said.headers["content-security-policy"].startswith("default-src 'none'")
    page = client("GET", "/", key="")
    assert "Test &amp; co" in page.body.decode()
    assert all(operation.path in page.body.decode() for operation in OPERATIONS)


@pytest.mark.slow
def test_the_description_is_valid_openapi(client: Client) -> None:
    from openapi_spec_validator import validate  # its import takes seconds

    validate(client("GET", "/openapi.json", key="").json)


def test_the_description_names_every_call(client: Client) -> None:
    found = client("GET", "/openapi.json", key="").json
    described = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}
    assert found["servers"] == [{"url": "https://test.example/letters/api/v1"}]
    assert describe(OPERATIONS, "x", "y")["paths"] == found["paths"]


def test_a_get_changes_nothing(client: Client) -> None:
    def everything() -> dict[str, list[Any]]:
        from newsletter.store.tables import metadata

        with client.letter.store.reading() as connection:
            return {table.name: list(connection.execute(table.select())) for table in metadata.sorted_tables}

    before = everything()
    for operation in OPERATIONS:
        if operation.method == "GET":
            client("GET", "/v1" + operation.path.replace("{slug}", "first").replace("{email}", "r1@reader.example"))
    assert everything() == before


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.sampled_from(OPERATIONS),
    inside=st.text(min_size=1, max_size=30),
    query=st.text(max_size=30),
    body=values
    | st.fixed_dictionaries({}, optional=dict.fromkeys(("email", "consent_source", "tags", "place"), values)),
)
def test_no_call_whatever_it_is_is_a_fault_of_ours(
    client: Client, operation: Any, inside: str, query: str, body: Any
) -> None:
    path = "/v1" + operation.path.replace("{slug}", inside).replace("{email}", inside)
    try:
        path.encode()
        query.encode()
    except UnicodeEncodeError:
        return
    said = client(operation.method, path + (f"?{quote(query)}" if query else ""), body)
    assert said.status < 500, said.body
    assert said.json["ok"] is (said.status == 200)
