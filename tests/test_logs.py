"""Lines of the log: what they are about, in whichever thread, where they go, and that nothing stops because of them."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.logs import about, writing

LOG = logging.getLogger("newsletter.test")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.log")) for line in file.read_text().splitlines()]


def test_a_line_says_what_it_is_about_and_what_it_was_told_besides(tmp_path: Path) -> None:
    with writing(str, folder=tmp_path), about(slot="2026-11-27T09:00"):
        with about(broadcast=7):
            LOG.info("batch taken", extra={"about": {"batch": 3}})
        LOG.warning("late by %d s", 5)
    first, second = lines(tmp_path)
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "info",
        "from": "newsletter.test",
        "message": "batch taken",
        "slot": "2026-11-27T09:00",
        "broadcast": 7,
        "batch": 3,
    }
    assert (second["message"], "broadcast" in second) == ("late by 5 s", False)


def test_threads_do_not_mix_up_what_they_are_about(tmp_path: Path) -> None:
    def work(number: int) -> None:
        for _ in range(50):
            with about(batch=number):
                LOG.info("%d", number)

    with writing(str, folder=tmp_path):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = lines(tmp_path)
    assert len(found) == 200
    assert all(line["message"] == str(line["batch"]) for line in found)


def test_what_is_logged_is_masked_also_in_tracebacks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def mask(text: str) -> str:
        return text.replace("canary", "***")

    with writing(mask, folder=tmp_path, lines=True), about(key="canary"):
        try:
            raise RuntimeError("canary")
        except RuntimeError:
            LOG.exception("it is the %s", "canary")
    (line,) = lines(tmp_path)
    assert (line["message"], line["key"], "RuntimeError: ***" in line["error"]) == ("it is the ***", "***", True)
    assert json.loads(capfd.readouterr().err) == line


def test_files_are_kept_for_some_days_and_are_for_their_owner_only(tmp_path: Path) -> None:
    for day in range(1, 29):
        (tmp_path / f"newsletter-2020-02-{day:02}.log").touch()
    (tmp_path / "other.log").touch()
    with writing(str, folder=tmp_path, keep=5):
        LOG.info("one")
    names = sorted(path.name for path in tmp_path.glob("newsletter-*"))
    assert names == [
        *(f"newsletter-2020-02-{day}.log" for day in range(25, 29)),
        f"newsletter-{datetime.now(UTC):%Y-%m-%d}.log",
    ]
    assert (tmp_path / names[-1]).stat().st_mode & 0o077 == 0
    assert (tmp_path / "other.log").exists()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with writing(str, folder=tmp_path / "logs"):
        LOG.info("one")
        (tmp_path / "logs").unlink()
        LOG.info("two")
    assert [line["message"] for line in lines(tmp_path / "logs")] == ["two"]


def test_afterwards_nothing_is_left_that_writes(tmp_path: Path) -> None:
    before = logging.getLogger("newsletter").handlers[:], threading.excepthook
    with writing(str, folder=tmp_path, lines=True):
        pass
    LOG.warning("nobody hears this")
    assert (logging.getLogger("newsletter").handlers, threading.excepthook) == before
    assert lines(tmp_path) == []
