"""The official client from npm, unchanged, against a simulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client, Start

pytestmark = pytest.mark.slow

SCRIPT = """
const { Autosend } = require("autosendjs");
const client = (key = "AS_right") => new Autosend(key, { maxRetries: 1 });
const from = { email: "hello@plain-ai.example", name: "Plain AI" };
const html = '<p>Hi {{name}}</p><a href="{{unsubscribeURL}}">leave</a>';

async function main() {
  const { emails, contacts } = client();
  const mail = { from, to: { email: "anna@example.org", name: "Anna" }, subject: "Hello", text: "Hi {{name}}" };
  const out = {};
  out.single = await emails.send({ ...mail, dynamicData: { name: "Anna" }, cc: { email: "cc@example.org" } });
  out.bulk = await emails.bulk({
    from, subject: "Weekly", html, dynamicData: { name: "you" },
    recipients: [
      { email: "a@example.org", dynamicData: { name: "Ada", unsubscribeURL: "https://x.example/u/a" } },
      { email: "b@example.org" },
    ],
  });
  out.hundred = await emails.bulk({
    from, subject: "Many", text: "x",
    recipients: Array.from({ length: 100 }, (_, n) => ({ email: `r${n}@example.org` })),
  });
  out.invalid = await emails.send({ ...mail, to: { email: "nobody" } });
  out.unauthorised = await client("AS_wrong").emails.send(mail);
  out.created = await contacts.create({ email: "C@example.org", firstName: "C", customFields: { plan: "pro" } });
  out.twice = await contacts.create({ email: "c@example.org" });
  out.upserted = await contacts.upsert({ email: "c@example.org", lastName: "D", listIds: ["l1"] });
  out.read = await contacts.get(out.created.data.id);
  out.deleted = await contacts.delete(out.created.data.id);
  out.gone = await contacts.get(out.created.data.id);
  console.log(JSON.stringify(out));
}
main();
"""

RETRY = """
const { Autosend } = require("autosendjs");
new Autosend("AS_right").emails.send({
  from: { email: "a@x.example" }, to: { email: "b@x.example" }, subject: "s", text: "t",
}).then((answer) => console.log(JSON.stringify(answer)));
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds the client."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("autosendjs")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), "autosendjs@1"]
    try:
        done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install autosendjs within two minutes")
    if done.returncode:
        pytest.skip(f"npm cannot install autosendjs: {' '.join(done.stderr.split())[:200]}")
    return folder


def run(package: Path, script: str, client: Client) -> dict[str, Any]:
    node = shutil.which("node")
    assert node
    environment = {**os.environ, "AUTOSEND_BASE_URL": client.simulator.url, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [node, "-e", script], cwd=package, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_single_bulk_errors_and_contacts(package: Path, start: Start) -> None:
    client = start()
    out = run(package, SCRIPT, client)
    mailbox = client.simulator.mailbox
    assert mailbox.find(out["single"]["data"]["emailId"]) == 0
    assert (mailbox.email(0)["text"], mailbox.email(0)["cc"]) == ("Hi Anna", [{"email": "cc@example.org"}])
    counts = {"totalRecipients": 2, "successCount": 2, "failedCount": 0}
    assert out["bulk"]["data"].items() >= counts.items()
    assert mailbox.email(1)["html"] == '<p>Hi Ada</p><a href="https://x.example/u/a">leave</a>'
    assert mailbox.email(2)["html"] == '<p>Hi you</p><a href="">leave</a>'
    assert (out["hundred"]["data"]["successCount"], len(mailbox)) == (100, 103)
    assert (out["invalid"]["success"], out["invalid"]["statusCode"]) == (False, 400)
    assert out["invalid"]["error"]["details"] == [{"field": "to.email", "message": "must be a valid email address"}]
    assert (out["unauthorised"]["statusCode"], out["unauthorised"]["error"]["code"]) == (401, "UNAUTHORIZED")
    created = out["created"]["data"]
    assert (created["email"], created["firstName"], created["customFields"]) == ("c@example.org", "C", {"plan": "pro"})
    assert out["twice"]["success"] is False
    assert out["upserted"]["data"]["id"] == created["id"]
    assert out["read"]["data"].items() >= {"firstName": "C", "lastName": "D", "listIds": ["l1"]}.items()
    assert out["deleted"] == {"success": True}
    assert out["gone"]["success"] is False


def test_its_blind_repeat_after_a_429_is_taken_once(package: Path, start: Start) -> None:
    client = start(faults="at:1=429")
    assert run(package, RETRY, client)["success"] is True
    assert len(client.simulator.mailbox) == 1


def test_its_blind_repeat_after_an_unknown_outcome_mails_twice(package: Path, start: Start) -> None:
    client = start(faults="at:1=502-after")
    assert run(package, RETRY, client)["success"] is True
    assert len(client.simulator.mailbox) == 2
