"""`newsletter subscribers`: what an operator sees of readers and does to them."""

from __future__ import annotations

import csv
from pathlib import Path

from calling import CONSENT, Call, complains

ADA, BO = "ada@reader.example", "bo@reader.example"


def add(call: Call, email: str, *words: str) -> None:
    assert call("subscribers", "add", email, "--consent-source", "at the fair", *words).code == 0


def states(call: Call) -> dict[str, str]:
    found = call("subscribers", "list", "--json").data["data"]["subscribers"]
    return {row["email"]: row["state"] for row in found}


def test_a_reader_is_added_with_a_stated_consent_and_only_once(call: Call) -> None:
    complains(call, 2, "subscribers", "add", ADA, of="--consent-source is missing")
    add(call, ADA, "--name", "Ada", "--tag", "beta")
    assert "already" in call("subscribers", "add", ADA, "--consent-source", "x").out
    shown = call("subscribers", "show", ADA, "--json").data["data"]
    assert (shown["subscriber"]["name"], shown["subscriber"]["tags"]) == ("Ada", ["beta"])
    assert shown["subscriber"]["consent_source"] == "at the fair"


def test_who_was_removed_is_not_added_again_by_hand(call: Call) -> None:
    add(call, ADA)
    assert call("subscribers", "remove", ADA).out == f"{ADA} unsubscribed\n"
    assert "already" in call("subscribers", "remove", ADA).out
    complains(call, 5, "subscribers", "add", ADA, "--consent-source", "x", of="has left")
    complains(call, 2, "subscribers", "remove", BO, of="is not on the list")
    assert states(call) == {ADA: "unsubscribed"}


def test_who_was_forgotten_is_gone_and_stays_gone(call: Call, publication: Path) -> None:
    add(call, ADA)
    add(call, BO)
    assert call("subscribers", "forget", ADA).out == f"{ADA} erased\n"
    complains(call, 2, "subscribers", "show", ADA, of="nothing is stored")
    complains(call, 5, "subscribers", "add", ADA, "--consent-source", "x", of="must not be mailed")
    (publication / "l.csv").write_text(f"email\n{ADA}\n{BO}\n", encoding="utf-8")
    assert "1 had left" in call("subscribers", "import", publication / "l.csv", *CONSENT).out
    assert states(call) == {BO: "active"}


def test_a_suppressed_address_is_not_mailed_until_that_is_lifted(call: Call) -> None:
    add(call, ADA)
    add(call, BO)

    def mailed() -> int:
        return int(call("subscribers", "count", "--segment", "domain=reader.example", "--json").data["data"]["mailed"])

    assert mailed() == 2
    assert call("subscribers", "suppress", ADA, "--reason", "legal").code == 0
    assert mailed() == 1
    assert "legal" in call("subscribers", "show", ADA).out
    assert call("subscribers", "suppress", ADA, "--lift").code == 0
    assert mailed() == 2


def test_a_list_is_told_in_words_and_columns_before_it_is_taken(call: Call, publication: Path) -> None:
    text = f"Email Address,City,Status,Opt-in IP\n{ADA},Rome,subscribed,192.0.2.1\nnobody,,,\n"
    (publication / "l.csv").write_text(text, encoding="utf-8")
    said = call("subscribers", "import", publication / "l.csv", "--dry-run", "--field", "City")
    columns = dict(line.rsplit("  ", 1) for line in said.out.splitlines()[:4])
    assert {key.strip(): value for key, value in columns.items()} == {
        "Email Address": "email",
        "City": "field.City",
        "Status": "state",
        "Opt-in IP": "(left out)",
    }
    assert "this will be refused: the list does not say where and when" in said.err
    assert states(call) == {}
    bad = publication / "bad.csv"
    words = ("subscribers", "import", publication / "l.csv", "--bad", bad, "--field", "City", "--tag", "x")
    complains(call, 2, *words, of="l.csv:2: the list does not say where and when its readers agreed")
    complains(call, 2, *words, *CONSENT[:2], of="l.csv:2: the list does not say when its readers agreed")
    complains(call, 2, *words, "--consent-date", "2999-01-01", of="in the future")
    assert states(call) == {}
    assert call(*words, *CONSENT).code == 0
    assert [row[:2] for row in csv.reader(bad.read_text(encoding="utf-8").splitlines())] == [
        ["line", "text"],
        ["3", "nobody"],
    ]
    found = call("subscribers", "list", "--segment", "field.City=rome and tag:x", "--json").data["data"]
    assert [row["email"] for row in found["subscribers"]] == [ADA]


def test_an_export_is_a_file_or_printed(call: Call, publication: Path) -> None:
    add(call, ADA)
    assert ADA in call("subscribers", "export").out
    assert call("subscribers", "export", "-o", publication / "l.ndjson").code == 0
    assert f'"{ADA}"' in (publication / "l.ndjson").read_text(encoding="utf-8")
    complains(call, 1, "subscribers", "export", "-o", publication / "no" / "l.csv", of="cannot be written")
    complains(call, 2, "subscribers", "export", "--format", "xml", "-o", publication / "l", of="no form")
    complains(call, 2, "subscribers", "list", "--segment", "tag:", of="character 5: expected a value")


def test_a_port_or_host_that_cannot_be_is_said_so(call: Call) -> None:
    for words in (("--port", "70000"), ("--port", "-1"), ("--host", "192.0.2.1"), ("--host", "no such host")):
        said = call("serve", *words)
        assert said.code == 2, said
        assert "bug" not in said.err
