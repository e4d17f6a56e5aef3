"""`newsletter stop` and `newsletter resume` through the real command line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from calling import CONSENT, Call
from test_signals import READERS, lines_until, slow, start

__all__ = ["slow"]


def test_stop_ends_what_another_process_sends_and_resume_lets_it_go_on(call: Call, slow: Path) -> None:
    with start(slow, "send", "first", "--now", "--confirm", f"first:{READERS}", "--json") as process:
        lines_until(process.stdout, '"sent": 50')
        assert call("stop", "--reason", "the link is wrong").code == 0
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 7
    assert "newsletter resume" in json.loads(out.splitlines()[-1])["error"]["hint"]
    status = call("status")
    assert "STOPPED" in status.out and "the link is wrong" in status.out
    refused = call("send", "first", "--resume")
    assert (refused.code, "newsletter resume" in refused.err) == (5, True)
    resumed = call("resume", "--json").data["data"]
    assert resumed == {"stopped": False, "lifted": True, "broadcasts": ["first"]}
    assert call("status", "--json").data["data"]["stopped"] is None
    assert call("send", "first", "--resume").code == 0
    accepted = (slow / ".newsletter" / "simulator" / "accepted.ndjson").read_text(encoding="utf-8").splitlines()
    inboxes = Counter(json.loads(line)["to"]["email"] for line in accepted)
    assert (len(inboxes), max(inboxes.values())) == (READERS, 1)


def test_while_stopped_no_slot_is_opened_and_afterwards_it_is_late(call: Call, publication: Path) -> None:
    (publication / "l.csv").write_text("email\na@x.example\n")
    for words in (("subscribers", "import", publication / "l.csv", *CONSENT), ("approve", "first"), ("stop",)):
        assert call(*words).code == 0
    assert call("stop").code == 0
    stopped = call("scheduler", "once", "--now", "2026-12-01T09:01")
    assert (stopped.code, "stopped by hand" in stopped.err) == (5, True)
    assert call("resume").code == 0
    late = call("scheduler", "once", "--now", "2026-12-01T10:00", "--json").data["data"]
    assert [opening["state"] for opening in late["openings"]] == ["taken"]
    assert late["broadcasts"][0]["sent"] == 1


def test_resume_without_a_stop_says_so(call: Call) -> None:
    assert "it was not stopped" in call("resume").out
