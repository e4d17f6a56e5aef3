"""The AutoSend client against real HTTP, and against every answer there is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.delivery.protocol import Accepted, Blocked, Message, Recipient, RecipientsRefused, Refused, Unknown
from newsletter.providers.autosend import AutoSend, honours_keys, read_answer
from newsletter.simulator import Simulator, SimulatorOptions

MESSAGE = Message(
    "Plain AI <hello@plain-ai.example>",
    "Hi {{name}}",
    "<p>{{name}} <a href='{{unsubscribe_url}}'>x</a></p>",
    "{{name}}",
    "editors@plain-ai.example",
    {"List-Unsubscribe": "<{{unsubscribe_url}}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)
ANNA = Recipient("anna@example.org", "Anna", {"name": "Anna & <b>", "unsubscribe_url": "https://x.example/u/abc.d-_"})


def failure(message: str, **more: object) -> bytes:
    return json.dumps({"success": False, "error": {"message": message, **more}}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "content", "outcome"),
    [
        (200, {}, b'{"success":true,"data":{"batchId":"b","failedCount":0}}', Accepted("b")),
        (200, {}, b'{"success":true,"data":{"batchId":"b","failedCount":2}}', Accepted("b", 2)),
        (200, {}, b"<html>login to the hotel's network</html>", Unknown),
        (429, {}, b'{"success":false,"error":{"message":"slow"},"retryAfter":7}', Refused),
        (429, {"Retry-After": "3"}, b"", Refused),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", Refused),
        (500, {}, failure("boom"), Refused),
        (500, {}, b"<html>boom</html>", Unknown),
        (502, {}, failure("boom"), Unknown),
        (504, {}, b"", Unknown),
        (408, {}, b"", Unknown),
        (409, {}, failure("the key was used for another body"), Unknown),
        (401, {}, failure("key"), Blocked),
        (403, {}, failure("domain"), Blocked),
        (301, {}, b"", Blocked),
        (400, {}, failure("bad", details=[{"field": "html", "message": "too long"}]), Blocked),
        (400, {}, failure("bad", details=[{"field": "recipients[1].email", "message": "bad"}]), RecipientsRefused),
        (400, {}, failure("bad", details=[{"field": "recipients.9.email", "message": "bad"}]), Blocked),
    ],
)
def test_every_answer_has_one_meaning(status: int, headers: dict[str, str], content: bytes, outcome: object) -> None:
    found = read_answer(status, headers, content, 2)
    assert found == outcome if isinstance(outcome, Accepted) else type(found) is outcome


def test_the_time_to_wait_is_read_from_the_body_and_from_the_header() -> None:
    assert read_answer(429, {}, b'{"retryAfter":7}', 1) == Refused(
        "the provider answered 429: no message", 7.0, too_fast=True
    )
    assert read_answer(429, {"Retry-After": "3"}, b"", 1) == Refused(
        "the provider answered 429: no message", 3.0, too_fast=True
    )


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(SimulatorOptions(tmp_path, api_key="AS_right", rate=0)) as running:
        yield running


def test_what_is_posted_arrives_with_its_variables_filled(simulator: Simulator) -> None:
    post = AutoSend(simulator.url, "AS_right").prepare(MESSAGE)
    assert isinstance(post([ANNA, Recipient("bo@example.org")], "key-1"), Accepted)
    email = simulator.mailbox.email(0)
    assert email["html"] == "<p>Anna &amp; &lt;b&gt; <a href='https://x.example/u/abc.d-_'>x</a></p>"
    assert email["headers"]["List-Unsubscribe"] == "<https://x.example/u/abc.d-_>"
    assert email["from"] == {"email": "hello@plain-ai.example", "name": "Plain AI"}
    assert simulator.mailbox.email(1)["to"]["email"] == "bo@example.org"


def test_without_header_variables_who_wants_to_leave_writes_an_email(simulator: Simulator) -> None:
    AutoSend(simulator.url, "AS_right", header_variables=False).prepare(MESSAGE)([ANNA], "key")
    assert simulator.mailbox.email(0)["headers"] == {
        "List-Unsubscribe": "<mailto:editors@plain-ai.example?subject=unsubscribe>"
    }


def test_a_repeat_under_the_same_key_is_taken_once_even_after_a_restart(simulator: Simulator, tmp_path: Path) -> None:
    post = AutoSend(simulator.url, "AS_right").prepare(MESSAGE)
    first = post([ANNA], "key")
    assert (post([ANNA], "key"), len(simulator.mailbox)) == (first, 1)
    assert isinstance(post([Recipient("bo@example.org")], "key"), Unknown)
    simulator.stop()
    with Simulator(SimulatorOptions(tmp_path, rate=0)) as again:
        assert AutoSend(again.url, "AS_x").prepare(MESSAGE)([ANNA], "key") == first
        assert len(again.mailbox) == 1


def test_a_wrong_key_is_a_persons_matter_and_never_shown(simulator: Simulator) -> None:
    outcome = AutoSend(simulator.url, "AS_wrong-secret").prepare(MESSAGE)([ANNA], "key")
    assert isinstance(outcome, Blocked)
    assert "AS_wrong-secret" not in repr(outcome)


def test_an_invalid_recipient_is_named(simulator: Simulator) -> None:
    outcome = AutoSend(simulator.url, "AS_right").prepare(MESSAGE)([ANNA, Recipient("nobody")], "key")
    assert outcome == RecipientsRefused({1: "must be a valid email address"})
    assert len(simulator.mailbox) == 0


@pytest.mark.parametrize(
    ("fault", "kind", "taken"),
    [
        ("429", Refused, 0),
        ("500", Refused, 0),
        ("502", Unknown, 0),
        ("502-after", Unknown, 1),
        ("truncated-after", Unknown, 1),
        ("402", Blocked, 0),
        ("403", Blocked, 0),
        ("reset", Unknown, 0),
        ("reset-after", Unknown, 1),
        ("stall", Unknown, 0),
        ("stall-after", Unknown, 1),
    ],
)
def test_a_fault_is_told_apart_by_whether_anyone_can_know(tmp_path: Path, fault: str, kind: type, taken: int) -> None:
    with Simulator(SimulatorOptions(tmp_path, rate=0, faults=f"at:1={fault}")) as running:
        post = AutoSend(running.url, "AS_x", timeouts=(1.0, 0.3)).prepare(MESSAGE)
        assert type(post([ANNA], "key")) is kind
        assert len(running.mailbox) == taken
        assert isinstance(post([ANNA], "key"), Accepted)
        assert len(running.mailbox) == 1


def test_a_server_that_is_not_there_took_nothing(tmp_path: Path) -> None:
    with Simulator(SimulatorOptions(tmp_path)) as running:
        url = running.url
    assert AutoSend(url, "AS_x").prepare(MESSAGE)([ANNA], "key") == Refused("the provider cannot be reached")


def test_the_rate_limit_is_answered_with_the_time_to_wait(tmp_path: Path) -> None:
    with Simulator(SimulatorOptions(tmp_path, rate=2)) as running:
        post = AutoSend(running.url, "AS_x").prepare(MESSAGE)
        outcomes = [post([ANNA], f"key-{number}") for number in range(3)]
    assert Counter(type(outcome) for outcome in outcomes) == {Accepted: 2, Refused: 1}
    assert isinstance(outcomes[2], Refused)
    assert 0 < outcomes[2].retry_after <= 1


def test_only_our_own_simulator_on_this_machine_is_believed_to_honour_keys(
    simulator: Simulator, tmp_path: Path
) -> None:
    assert honours_keys(simulator.url)
    assert not honours_keys("https://api.autosend.example/v1")
    with Simulator(SimulatorOptions(tmp_path / "older", idempotency=False)) as other:
        assert not honours_keys(other.url)
