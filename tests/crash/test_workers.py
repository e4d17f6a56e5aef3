"""Workers through the real command line: killed with `kill -9`, ended by a signal, several schedulers beside them."""

from __future__ import annotations

import json
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from newsletter.audience.subscribers import count_audience

from .audit import audit
from .drill import SLUG, Drill, by_workers, run, state_of
from .place import Place, ended, make_place, slugs
from .provider import running_provider
from .test_crash import posting_since
from .test_scheduler import INSTANTS, opened


def until_sent(place: Place, patience: float = 120) -> None:
    end = time.monotonic() + patience
    while state_of(place) == "sending":
        assert time.monotonic() < end, place.run("status").data
        time.sleep(0.05)


def lines_of(output: str) -> list[str]:
    return [json.loads(line)["line"] for line in output.splitlines() if '"line"' in line]


def test_a_worker_killed_in_a_call_is_noticed_and_another_goes_on(tmp_path: Path, postgres_url: str) -> None:
    with running_provider(tmp_path / "provider", faults="at:2=stall-after") as provider:
        values = {"recipients": 100, "batch_size": 20, "concurrency": 1, "database_url": postgres_url, "workers": True}
        place = make_place(tmp_path / "publication", provider.url, **values)  # type: ignore[arg-type]
        with place.store() as store, store.reading() as connection:
            readers, _ = count_audience(connection, "")
        assert place.run("send", SLUG, "--now", "--confirm", f"{SLUG}:{readers}").data["state"] == "sending"
        victim = place.start("worker")
        while not (provider.accepted() >= 20 and posting_since(place)):
            assert victim.poll() is None, ended(victim)
            time.sleep(0.01)
        time.sleep(0.1)
        victim.kill()
        assert ended(victim).code == -9
        other = place.start("worker")
        until_sent(place)
        other.send_signal(signal.SIGTERM)
        out, said = other.communicate(timeout=60)
        lines = lines_of(out)
        assert (other.returncode, lines[-1]) == (0, "ended"), said
        assert f'"{SLUG}": a worker that is gone left batch 2 in doubt' in lines
        assert [line.partition(" in ")[0] for line in lines if "batch 2: " in line] == [f'"{SLUG}" batch 2: accepted']
        assert audit(place, provider, SLUG).exact


@pytest.mark.slow
def test_four_workers_of_which_ten_are_killed_on_a_bad_line(tmp_path: Path, postgres_url: str) -> None:
    drill = Drill(recipients=4000, kills=10, batch_size=20, seed=8, workers=4, database_url=postgres_url)
    outcome = run(drill, tmp_path)
    assert outcome.audit is not None and outcome.audit.exact, outcome.audit
    assert [end.code for end in outcome.ends].count(-9) == 10
    # -15: ended by the drill before it had begun to listen for signals.
    assert {-9, 0} <= {end.code for end in outcome.ends} <= {-9, 0, -15}


@pytest.mark.slow
def test_workers_and_a_provider_that_promises_nothing(tmp_path: Path, postgres_url: str) -> None:
    drill = Drill(recipients=600, kills=2, batch_size=20, seed=9, idempotency=False, workers=2)
    with running_provider(tmp_path / "provider", faults="reset-after:0.05;seed=3", idempotency=False) as provider:
        values = {"recipients": 600, "batch_size": 20, "database_url": postgres_url, "workers": True}
        place = make_place(tmp_path / "publication", provider.url, **values)  # type: ignore[arg-type]
        by_workers(drill, place, provider, lambda _: None)
        found = audit(place, provider, SLUG)
        assert (state_of(place), found.twice, found.strangers) == ("paused", 0, 0)
        assert found.lost <= found.states["unknown"]
        assert found.ledger + found.states["unknown"] + found.states.get("pending", 0) == found.readers


@pytest.mark.slow
def test_two_schedulers_and_three_workers_send_each_slot_once(tmp_path: Path, postgres_url: str) -> None:
    with running_provider(tmp_path / "provider") as provider:
        values = {"recipients": 400, "issues": 3, "batch_size": 10, "database_url": postgres_url, "workers": True}
        place = make_place(tmp_path / "publication", provider.url, **values)  # type: ignore[arg-type]
        for name in slugs(3):
            assert place.run("approve", name).code == 0
        workers = None
        for instant in INSTANTS[:3]:
            two = [place.start("scheduler", "once", "--now", instant) for _ in range(2)]
            answers = [ended(process).data for process in two]
            assert sorted(len(opened(answer)) for answer in answers) == [0, 1]
            workers = workers or [place.start("worker") for _ in range(3)]
        end = time.monotonic() + 120
        while {report["state"] for report in place.run("status").data["broadcasts"]} != {"sent"}:
            assert time.monotonic() < end
        for worker in workers or []:
            worker.send_signal(signal.SIGINT)
            assert ended(worker).code == 130
        for number, name in enumerate(slugs(3), start=1):
            assert audit(place, provider, name, f"Word {number}").exact


@pytest.mark.slow
def test_a_worker_outlives_connections_that_the_database_cuts(tmp_path: Path, postgres_url: str) -> None:
    cut = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()")
    with running_provider(tmp_path / "provider") as provider:
        values = {"recipients": 1000, "batch_size": 10, "database_url": postgres_url, "workers": True}
        place = make_place(tmp_path / "publication", provider.url, **values)  # type: ignore[arg-type]
        readers = place.run("send", SLUG, "--dry-run").data["readers"]
        assert place.run("send", SLUG, "--now", "--confirm", f"{SLUG}:{readers}").data["state"] == "sending"
        worker = place.start("worker")
        for mails in (50, 200, 500):
            while provider.accepted() < mails:
                time.sleep(0.01)
            engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
            with suppress(OperationalError), engine.connect() as connection:  # it cuts itself off too
                connection.execute(cut)
            engine.dispose()
        until_sent(place)
        worker.send_signal(signal.SIGTERM)
        out, said = worker.communicate(timeout=60)
        assert worker.returncode == 0, said
        assert "Traceback" not in out + said
        assert audit(place, provider, SLUG).exact
