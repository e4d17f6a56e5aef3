"""Whether the scheduler still makes its passes, asked over HTTP; and passes that go on when the clock is set back."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from newsletter.errors import UsageError
from newsletter.schedule import process
from newsletter.schedule.health import Health, serving


def asked(port: int, path: str = "/health") -> tuple[int, dict[str, object]]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_it_is_well_while_passes_end_and_while_one_takes_its_time() -> None:
    health = Health()
    with serving(health, 0) as port:
        health.begin()
        health.ended -= 3600
        assert asked(port)[0] == 200
        health.end("waiting for the slot of Tuesday")
        status, facts = asked(port)
        assert (status, facts["ok"], facts["line"]) == (200, True, "waiting for the slot of Tuesday")


def test_it_is_not_well_after_a_pass_that_failed_or_none_for_minutes() -> None:
    health = Health()
    with serving(health, 0) as port:
        health.end("", "the disk is full")
        status, facts = asked(port)
        assert (status, facts["line"]) == (503, "the disk is full")
        health.end("waiting")
        health.ended -= 181
        assert asked(port)[0] == 503
        assert asked(port, "/other")[0] == 404


def test_a_port_that_is_taken_is_said() -> None:
    with (
        serving(Health(), 0) as port,
        pytest.raises(UsageError, match=f"--health-port {port}"),
        serving(Health(), port),
    ):
        pass


def test_a_clock_that_is_set_back_stops_no_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a jump back of an hour the next full minute is an hour away; it is not waited for."""

    class Late(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(hours=1)

    monkeypatch.setattr(process, "datetime", Late)
    monkeypatch.setattr(process, "_LOOK", 0.05)
    passes, stop = list[float](), threading.Event()

    def one_pass() -> None:
        passes.append(time.monotonic())
        if len(passes) == 4:
            stop.set()

    process.run_every_minute(one_pass, stop)
    assert passes[-1] - passes[0] < 30
