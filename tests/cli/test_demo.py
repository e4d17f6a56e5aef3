"""The demo does the whole job, says so, and leaves the emails where it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newsletter.cli.main import main


def test_the_demo_sends_the_first_sample_issue_once_to_each_active_reader(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOSEND_API_KEY", "AS_a_real_key_that_the_demo_must_not_use")
    assert main(["demo", "--keep", str(tmp_path / "kept"), "--json"]) == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    end = lines[-1]
    assert (end["ok"], end["command"]) == (True, "demo")
    data = end["data"]
    assert (data["issue"], data["batches"]) == ("what-is-a-token", 10)
    assert data["sent"] + sum(data["skipped"].values()) == 999
    assert set(data["skipped"]) == {"unsubscribed", "bounced", "pending", "complained"}
    accepted = (tmp_path / "kept" / ".newsletter" / "simulator" / "accepted.ndjson").read_text(encoding="utf-8")
    mails = [json.loads(line) for line in accepted.splitlines()]
    assert len({mail["to"]["email"] for mail in mails}) == len(mails) == data["sent"]
    assert Path(data["html"]).read_text(encoding="utf-8") == mails[0]["html"]
    assert Path(data["text"]).read_text(encoding="utf-8") == mails[0]["text"]
    assert "{{" not in mails[0]["html"] + mails[0]["text"] + mails[0]["subject"]
    assert "AS_a_real_key" not in captured.out + captured.err

    assert main(["status", "-C", str(tmp_path / "kept"), "--json"]) == 0
    (broadcast,) = json.loads(capsys.readouterr().out)["data"]["broadcasts"]
    assert (broadcast["state"], broadcast["sent"], broadcast["readers"]) == ("sent", data["sent"], 999)


def test_the_demo_leaves_a_folder_that_is_in_use_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["demo", "--keep", str(tmp_path)]) == 2
    assert "there is something here already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
