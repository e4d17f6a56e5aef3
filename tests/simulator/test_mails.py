"""Mail calls over real HTTP: what is valid, what is taken, what is dropped."""

from __future__ import annotations

import base64
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .conftest import Client, Start

FROM = {"email": "hello@plain-ai.example", "name": "Plain AI"}
MAIL = {"from": FROM, "subject": "Hi {{name}}", "html": "<p>{{name}}</p>", "text": "{{name}}"}
SINGLE = MAIL | {"to": {"email": "anna@example.org", "name": "Anna"}, "dynamicData": {"name": "A & B"}}
BULK = MAIL | {"recipients": [{"email": "anna@example.org"}, {"email": "bo@example.org"}]}


def copies(count: int) -> list[dict[str, str]]:
    return [{"email": f"c{number}@example.org"} for number in range(count)]


def test_a_single_mail_is_taken_and_its_state_read_back(client: Client) -> None:
    status, answer, headers = client.call("POST", "/mails/send", SINGLE)
    data = answer["data"]
    assert (status, answer["success"], data["totalRecipients"]) == (200, True, 1)
    assert data["message"] == "Email queued successfully."
    assert headers["X-RateLimit-Limit"]
    email = client.simulator.mailbox.email(0)
    assert (email["subject"], email["html"]) == ("Hi A &amp; B", "<p>A &amp; B</p>")
    status, answer, _ = client.call("GET", f"/mails/{data['emailId']}/status")
    assert (status, answer["data"]["status"]) == (200, "delivered")


def test_a_recipients_values_lie_over_the_common_ones(client: Client) -> None:
    common = {"dynamicData": {"name": "you", "flag": True}}
    recipients = [{"email": "a@x.example", "dynamicData": {"name": "Anna"}}, {"email": "b@x.example"}]
    answer = client.post("/mails/bulk", MAIL | common | {"recipients": recipients, "text": "{{flag}}{{none}}."})
    assert answer["data"].items() >= {"totalRecipients": 2, "successCount": 2, "failedCount": 0}.items()
    emails = [client.simulator.mailbox.email(number) for number in (0, 1)]
    assert [email["subject"] for email in emails] == ["Hi Anna", "Hi you"]
    assert emails[0]["text"] == "true."


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": "hello@x.example"}, "from"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"to": {"email": f"{'a' * 250}@x.example"}}, "to.email"),
        ({"to": None}, "to"),
        ({"to": [{"email": "a@x.example"}]}, "to"),
        ({"subject": ""}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"subject": 7}, "subject"),
        ({"html": "", "text": ""}, "html"),
        ({"html": ["<p>"]}, "html"),
        ({"replyTo": {"email": "x"}}, "replyTo.email"),
        ({"cc": copies(30), "bcc": copies(20)}, "cc"),
        ({"cc": [{"email": "x"}]}, "cc[0].email"),
        ({"headers": {f"X-{number}": "x" for number in range(21)}}, "headers"),
        ({"headers": {"X Y": "x"}}, "headers.X Y"),
        ({"headers": {"X": "a\r\nBcc: all@x.example"}}, "headers.X"),
        ({"headers": {"X": "x" * 1001}}, "headers.X"),
        ({"attachments": [{"fileName": "a", "content": "YQ=="}] * 21}, "attachments"),
        ({"attachments": [{"content": "YQ=="}]}, "attachments[0].fileName"),
        ({"attachments": [{"fileName": "a", "content": "not base64!"}]}, "attachments[0].content"),
        ({"attachments": [{"fileName": "a"}]}, "attachments[0].content"),
        ({"dynamicData": []}, "dynamicData"),
        ({"trackingOpen": "yes"}, "trackingOpen"),
        ({"unsubscribeGroupId": 5}, "unsubscribeGroupId"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_taken(client: Client, change: dict[str, Any], field: str) -> None:
    status, answer, _ = client.call("POST", "/mails/send", SINGLE | change)
    assert (status, answer["success"], answer["error"]["code"]) == (400, False, "VALIDATION_FAILED")
    assert field in [detail["field"] for detail in answer["error"]["details"]]
    assert len(client.simulator.mailbox) == 0


@pytest.mark.parametrize(
    ("recipients", "field"),
    [
        ([], "recipients"),
        (copies(101), "recipients"),
        ("all", "recipients"),
        ([{"email": "a@x.example"}, "b@x.example"], "recipients[1]"),
        ([{"email": "a@x.example", "dynamicData": "x"}], "recipients[0].dynamicData"),
        ([{"email": "a@x.example", "cc": copies(50)}], "recipients[0].cc"),
    ],
)
def test_a_bulk_call_has_1_to_100_valid_recipients(client: Client, recipients: object, field: str) -> None:
    answer = client.post("/mails/bulk", MAIL | {"recipients": recipients})
    assert [detail["field"] for detail in answer["error"]["details"]] == [field]


@pytest.mark.parametrize(
    "change",
    [
        {"cc": copies(49)},
        {"cc": {"email": "one@x.example"}},
        {"subject": "x" * 998},
        {"headers": {f"X-{number}": "x" * 1000 for number in range(20)}},
        {"attachments": [{"fileName": "a.txt", "content": "YQ==", "contentType": "text/plain"}] * 20},
        {"attachments": [{"fileName": "a.txt", "fileUrl": "https://x.example/a.txt"}]},
        {"templateId": "A-1", "subject": None, "html": None, "text": None},
        {"scheduledAt": "never", "test": 1},
    ],
)
def test_what_is_just_within_the_limits_is_taken(client: Client, change: dict[str, Any]) -> None:
    assert client.call("POST", "/mails/send", SINGLE | change)[0] == 200


def test_attachments_are_at_most_40_mib_together_and_only_their_facts_are_kept(client: Client) -> None:
    half = base64.b64encode(bytes(20 * 1024 * 1024)).decode()
    attachments = [{"fileName": "a", "content": half}, {"fileName": "b", "content": half}]
    assert client.call("POST", "/mails/send", SINGLE | {"attachments": attachments})[0] == 200
    assert client.simulator.mailbox.email(0)["attachments"][0]["size"] == 20 * 1024 * 1024
    assert client.simulator.mailbox.path.stat().st_size < 10_000
    more = [*attachments, {"fileName": "c", "content": "YQ=="}]
    answer = client.post("/mails/send", SINGLE | {"attachments": more})
    assert answer["error"]["details"] == [{"field": "attachments", "message": "must be at most 40 MiB together"}]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"a": "\xff"}'])
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    status, answer, _ = client.call("POST", "/mails/send", body)
    assert (status, answer["error"]["message"]) == (400, "the body is no JSON object")


def test_half_a_surrogate_pair_is_taken_and_shown(client: Client) -> None:
    body = json.dumps(SINGLE | {"subject": "x \ud83d"}).encode()
    assert client.call("POST", "/mails/send", body)[0] == 200
    assert client.simulator.mailbox.email(0)["subject"] == "x \ud83d"
    assert client.page("/emails/0")[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/mails"),
        ("PUT", "/mails/send"),
        ("GET", "/mails/x/status"),
        ("GET", "/mails/send"),
    ],
)
def test_what_does_not_exist_is_404_in_the_documented_shape(client: Client, method: str, path: str) -> None:
    status, answer, headers = client.call(method, path, {} if method != "GET" else None)
    assert (status, answer["success"], answer["error"]["code"]) == (404, False, "NOT_FOUND")
    assert headers["X-RateLimit-Remaining"]


def test_a_wrong_key_is_401_and_no_key_too(client: Client) -> None:
    for key in ("AS_wrong", ""):
        status, answer, _ = client.call("POST", "/mails/send", SINGLE, key=key)
        assert (status, answer["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("status", "code"), [(402, "PAYMENT_REQUIRED"), (403, "FORBIDDEN"), (500, "SERVER_ERROR")])
def test_documented_errors_can_be_switched_on(start: Start, status: int, code: str) -> None:
    client = start(faults=f"at:1={status}")
    found, answer, _ = client.call("POST", "/mails/send", SINGLE)
    assert (found, answer["error"]["code"], len(client.simulator.mailbox)) == (status, code, 0)
    assert client.call("POST", "/mails/send", SINGLE)[0] == 200


def test_the_rate_headers_count_down_and_the_limit_is_per_key(start: Start) -> None:
    client = start(rate=2, api_key=None)
    calls = [client.call("POST", "/mails/send", SINGLE, key=key) for key in ("AS_a", "AS_a", "AS_a", "AS_b")]
    assert [status for status, _, _ in calls] == [200, 200, 429, 200]
    assert [headers["X-RateLimit-Remaining"] for _, _, headers in calls] == ["1", "0", "0", "1"]
    assert {headers["X-RateLimit-Limit"] for _, _, headers in calls} == {"2"}
    assert 0 < calls[2][1]["retryAfter"] <= 1


def test_a_rate_below_one_is_one_call_in_a_longer_while(start: Start) -> None:
    client = start(rate=0.1)
    client.post("/mails/send", SINGLE)
    assert 8 < client.post("/mails/send", SINGLE)["retryAfter"] <= 10


def test_a_repeat_under_a_key_is_taken_once_unless_that_is_switched_off(start: Start, tmp_path: Any) -> None:
    client = start()
    headers = {"Idempotency-Key": "k"}
    answers = [client.call("POST", "/mails/send", SINGLE, **headers)[1] for _ in range(2)]
    assert answers[0] == answers[1]
    assert client.call("POST", "/mails/send", SINGLE | {"subject": "other"}, **headers)[0] == 409
    assert len(client.simulator.mailbox) == 1
    other = start(idempotency=False, data=tmp_path / "other")
    for _ in range(2):
        other.call("POST", "/mails/send", SINGLE, **headers)
    assert len(other.simulator.mailbox) == 2


def test_the_older_documentation_has_four_more_fields(start: Start) -> None:
    client = start(older=True)
    more = {"categories": ["a"], "campaignName": "c", "scheduledAt": "2026-11-27T09:00:00Z", "test": True}
    assert client.call("POST", "/mails/send", SINGLE | more)[0] == 200
    assert client.simulator.mailbox.email(0).items() >= more.items()
    for field, value in {"categories": "a", "campaignName": 1, "scheduledAt": "soon", "test": "yes"}.items():
        answer = client.post("/mails/send", SINGLE | {field: value})
        assert [detail["field"] for detail in answer["error"]["details"]] == [field]


def test_suppressed_addresses_are_dropped_and_counted_unless_bypassed(client: Client) -> None:
    body = {"emails": ["ANNA@example.org"], "groupId": "G1"}
    assert client.post("/suppression-groups/emails/suppress", body)["data"] == {"suppressed": 1}
    for more, dropped in (({}, 0), ({"unsubscribeGroupId": "G1"}, 1)):
        assert client.post("/mails/bulk", BULK | more)["data"]["failedCount"] == dropped
    bypassed = BULK | {"unsubscribeGroupId": "G1", "bypassSuppressions": True}
    assert client.post("/mails/bulk", bypassed)["data"]["failedCount"] == 0
    client.post("/suppression-groups/emails/suppress", {"emails": ["anna@example.org"], "isGlobal": True})
    assert client.post("/mails/bulk", BULK)["data"].items() >= {"successCount": 1, "failedCount": 1}.items()
    assert client.post("/suppression-groups/emails/unsuppress", {"emails": ["anna@example.org"]})["data"] == {
        "unsuppressed": 2
    }
    assert client.post("/mails/bulk", BULK)["data"]["failedCount"] == 0


def test_suppression_groups_are_made_listed_and_survive_a_restart(start: Start) -> None:
    client = start()
    group = client.post("/suppression-groups", {"name": "Weekly"})["data"]["groupId"]
    client.post("/suppression-groups/emails/suppress", {"emails": ["a@x.example"], "groupId": group})
    client.simulator.stop()
    again = start()
    groups = again.call("GET", "/suppression-groups")[1]["data"]["groups"]
    assert {(g["name"], g["suppressionCount"]) for g in groups} == {("Global", 0), ("Default", 0), ("Weekly", 1)}
    entries = again.post("/suppression-groups/entries", {"groupId": group})["data"]
    assert (entries["entries"][0]["email"], entries["pagination"]["total"]) == ("a@x.example", 1)


def test_the_providers_unsubscribe_link_asks_first_and_acts_on_post_only(client: Client) -> None:
    html = '<a href="{{unsubscribe}}">leave</a>'
    client.post("/mails/send", SINGLE | {"html": html, "unsubscribeGroupId": "G1"})
    link = client.simulator.mailbox.email(0)["html"].split('"')[1]
    path = link.removeprefix(client.simulator.page)
    assert "Unsubscribe?" in client.page(path)[1]
    bulk = BULK | {"unsubscribeGroupId": "G1"}
    assert client.post("/mails/bulk", bulk)["data"]["failedCount"] == 0
    assert "gets no more" in client.page(path, "POST")[1]
    assert client.post("/mails/bulk", bulk)["data"]["failedCount"] == 1


@contextmanager
def a_full_disk(room: int) -> Iterator[None]:
    """No file of this process grows beyond `room` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_a_call_is_refused_whole_and_works_later(start: Start) -> None:
    client = start()
    client.post("/mails/send", SINGLE)
    size = client.simulator.mailbox.path.stat().st_size
    with a_full_disk(size + 100):
        status, answer, _ = client.call("POST", "/mails/bulk", BULK)
    assert (status, answer["error"]["code"]) == (500, "SERVER_ERROR")
    assert client.simulator.mailbox.path.stat().st_size == size
    assert client.call("POST", "/mails/bulk", BULK)[0] == 200
    client.simulator.stop()
    assert len(start().simulator.mailbox) == 3


def test_a_call_that_a_crash_cut_short_is_forgotten(start: Start) -> None:
    client = start()
    client.post("/mails/send", SINGLE)
    client.post("/mails/bulk", BULK)
    client.simulator.stop()
    path = client.simulator.mailbox.path
    lines = path.read_bytes().splitlines(keepends=True)
    for cut in (b"".join(lines[:2]), b"".join(lines[:2]) + lines[2][:20]):
        path.write_bytes(cut)
        again = start()
        assert len(again.simulator.mailbox) == 1
        assert path.read_bytes() == lines[0]
        again.simulator.stop()
