"""How fast a broadcast goes out, against bare `requests`: `python -m benchmarks.delivery [--recipients N]`.

A loopback server takes every call at once. In each round a new process posts with bare `requests` the bodies that we
would post, and another one sends the broadcast: plan, ledger in SQLite with full durability, suppression, merge tags,
signed unsubscribe links. Both post one call after the other over one connection. Shown are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copy
from statistics import median
from typing import Any

from benchmarks.samples import ROOT
from benchmarks.table import table

MOST = 1_000_000
_SLUG = "what-is-a-token"
_CHUNK = 10_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables; with `--child`, be one of the processes that are measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery", description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000, help=f"how many, up to {MOST:,} (default 20,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often both send to all of them (default 3)")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds after which a process is stopped (900)")
    parser.add_argument("--concurrency", type=int, default=4, help="calls under way at once, for both (default 4)")
    parser.add_argument("--profile", action="store_true", help="show the functions in which our time goes")
    parser.add_argument("--child", nargs=3, metavar=("WORK", "FOLDER", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if not 1 <= options.recipients <= MOST:
        parser.error(f"--recipients must be from 1 to {MOST}")
    if options.child:
        work, folder, url = options.child
        print(json.dumps(_WORKS[work](Path(folder), url, options.recipients, options.concurrency)))
        return
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder, _responder() as url:
        _run(Path(folder), url, options)


def _run(folder: Path, url: str, options: argparse.Namespace) -> None:
    def child(work: str) -> dict[str, Any]:
        call = [sys.executable, "-m", "benchmarks.delivery", "--recipients", str(options.recipients)]
        call += ["--concurrency", str(options.concurrency)]
        call += ["--child", work, str(folder), url]
        done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=options.limit)
        return dict(json.loads(done.stdout.splitlines()[-1]))

    child("prepare")
    rounds = [{work: child(work) for work in ("bare", "ours")} for _ in range(options.rounds)]
    print(report(rounds))
    if options.profile:
        print(child("profile")["profile"])


def report(rounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> str:
    """The figures of all rounds as tables."""
    mid = {name: {key: median(r[name][key] for r in rounds) for key in rounds[0][name]} for name in rounds[0]}
    rows = [
        [name, f"{m['rate']:,.0f}", f"{m['cpu'] * 1e6:.1f}", f"{m['wire']:,.0f}", f"{m['memory']:.0f}"]
        for name, m in (("(a) bare requests", mid["bare"]), ("(b) newsletter", mid["ours"]))
    ]
    ours = mid["ours"]
    facts = [
        ["(b) / (a), recipients per second", f"{median(r['ours']['rate'] / r['bare']['rate'] for r in rounds):.2f}"],
        ["seconds to the answer of the first call", f"{ours['first']:.2f}"],
        ["transactions a call", f"{ours['transactions'] / ours['calls']:.2f}"],
        ["bytes of database a recipient", f"{ours['stored']:,.0f}"],
        ["recipients, and skipped since suppressed", f"{ours['sent']:,.0f} + {ours['skipped']:,.0f}"],
    ]
    header = ["median of the rounds", "recipients/s", "CPU µs each", "bytes each", "peak MB"]
    return f"{table(header, rows)}\n\n{table(['ours', ''], facts)}\n"


def prepare(folder: Path, _url: str, recipients: int, _concurrency: int) -> dict[str, Any]:
    """A database with the readers and the approved edition; every 20th or so has left or is suppressed."""
    from newsletter.clock import SystemClock
    from newsletter.schedule.queue import approve
    from newsletter.store.database import open_store
    from newsletter.store.tables import subscribers, suppressions

    desk, now = _desk(folder, 1), SystemClock().now()
    edition = desk.render(desk.find(_SLUG))
    store = open_store("", folder / "prepared")
    for start in range(0, recipients, _CHUNK):
        rows = [
            _reader(n) | {"created_at": now, "changed_at": now} for n in range(start, min(start + _CHUNK, recipients))
        ]
        blocked = [{"email_key": row["email_key"], "reason": "bounced", "created_at": now} for row in rows[::50]]
        with store.transaction() as connection:
            connection.execute(subscribers.insert(), rows)
            connection.execute(suppressions.insert(), blocked)
    with store.transaction() as connection:
        approve(
            connection,
            edition=edition.as_json(),
            source_digest="",
            segment="",
            pinned_to="",
            not_before="",
            findings=[],
            by="benchmark",
            now=now,
        )
    store.close()
    return {}


def _reader(number: int) -> dict[str, Any]:
    email = f"reader{number}.surname@mail{number % 7}.example"
    state = "unsubscribed" if number % 33 == 5 else "active"
    return {"email": email, "email_key": email, "name": f"Zoë {number} O'Brien", "state": state}


def bare(folder: Path, url: str, recipients: int, concurrency: int) -> dict[str, Any]:
    """What loops over `requests.Session.post`, in so many threads, need for as many full calls with a ready body."""
    from threading import Thread

    import requests

    body = _body(folder)
    calls = (_mailed(recipients) + 99) // 100
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    numbers = iter(range(calls))

    def post() -> None:
        session = requests.Session()
        session.trust_env = False
        for number in numbers:
            answer = session.post(
                f"{url}/mails/bulk", data=body, headers=headers | {"Idempotency-Key": str(number)}, timeout=(10, 60)
            )
            assert answer.json()["success"]

    threads = [Thread(target=post) for _ in range(concurrency)]
    start, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    return {"rate": calls * 100 / seconds, "cpu": spent / calls / 100, "wire": len(body) / 100, "memory": _peak()}


def ours(folder: Path, url: str, recipients: int, concurrency: int) -> dict[str, Any]:
    """Plan and post the broadcast, as `newsletter send --now` does."""
    with _sending(folder, url, concurrency) as (sending, transactions):
        started, first = time.perf_counter(), list[float]()
        sending.progress = lambda _: None if first else first.append(time.perf_counter() - started)
        report, spent = _send(sending)
        seconds = time.perf_counter() - started
        database = folder / "state" / ".newsletter" / "newsletter.db"
        files = [database, database.with_name("newsletter.db-wal")]
        stored = (
            sum(file.stat().st_size for file in files if file.exists())
            - (folder / "prepared/newsletter.db").stat().st_size
        )
    assert report.sent == _mailed(recipients), report
    return {
        "rate": report.sent / seconds,
        "cpu": spent / report.sent,
        "wire": len(_body(folder)) / 100,
        "memory": _peak(),
        "first": first[0],
        "transactions": transactions[0],
        "calls": report.calls,
        "stored": stored / recipients,
        "sent": report.sent,
        "skipped": report.readers - report.sent,
    }


def profile(folder: Path, url: str, _recipients: int, concurrency: int) -> dict[str, Any]:
    """The broadcast once more under cProfile."""
    import cProfile
    import io
    import pstats

    with _sending(folder, url, concurrency) as (sending, _):
        profiler = cProfile.Profile()
        profiler.runcall(_send, sending)
    out = io.StringIO()
    for order in ("cumulative", "tottime"):
        pstats.Stats(profiler, stream=out).sort_stats(order).print_stats(40)
    return {"profile": out.getvalue()}


_WORKS: Mapping[str, Callable[[Path, str, int, int], dict[str, Any]]] = {
    "prepare": prepare,
    "bare": bare,
    "ours": ours,
    "profile": profile,
}


def _send(sending: Any) -> tuple[Any, float]:
    from newsletter.schedule.queue import approved

    cpu = time.process_time()
    with sending.store.reading() as connection:
        issue = approved(connection)[0]
    report = sending.post(sending.plan_now(issue))
    return report, time.process_time() - cpu


@contextmanager
def _sending(folder: Path, url: str, concurrency: int) -> Iterator[tuple[Any, list[int]]]:
    """Everything that sends, over a fresh copy of the prepared database, and a count of its transactions."""
    from sqlalchemy import event

    from newsletter.clock import SystemClock
    from newsletter.pipeline.sending import Sending
    from newsletter.providers.autosend import AutoSend
    from newsletter.store.database import open_store

    desk = _desk(folder, concurrency)
    state = desk.publication.state
    state.mkdir(parents=True, exist_ok=True)
    for file in state.glob("newsletter.db*"):
        file.unlink()
    copy(folder / "prepared" / "newsletter.db", state)
    store = open_store("", state)
    transactions = [0]

    def count(_connection: object) -> None:
        transactions[0] += 1

    event.listen(store.engine, "commit", count)
    try:
        yield Sending(desk, store, AutoSend(url, "k"), SystemClock()), transactions
    finally:
        store.close()


def _desk(folder: Path, concurrency: int) -> Any:
    """The sample publication with its state in `folder` and no limit to its speed."""
    from dataclasses import replace

    from newsletter.pipeline.desk import open_desk
    from newsletter.publication import Publication, find_publication

    found = find_publication(ROOT)
    quick = found.config.delivery.model_copy(update={"requests_per_second": 1e6, "concurrency": concurrency})
    desk = open_desk(found)
    return replace(desk, publication=Publication(folder / "state", found.config.model_copy(update={"delivery": quick})))


def _body(folder: Path) -> bytes:
    """The body of a call to 100 readers, as we post it."""
    from newsletter.audience.tokens import open_signer
    from newsletter.delivery.ledger import Reader
    from newsletter.pipeline.sending import message_of, values_of

    desk = _desk(folder, 1)
    edition = desk.render(desk.find(_SLUG))
    values = values_of(edition, open_signer(desk.publication.state), desk)
    readers = [Reader(n, row["email"], row["name"]) for n in range(1000, 1100) for row in [_reader(n)]]
    rows = [{"email": r.email, "dynamicData": dict(values(r)), "name": r.name} for r in readers]
    body = vars(message_of(edition)) | {"recipients": rows}
    return json.dumps(body, ensure_ascii=False).encode()


def _mailed(recipients: int) -> int:
    return sum(1 for n in range(recipients) if n % 50 and n % 33 != 5)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _responder() -> Iterator[str]:
    call = [sys.executable, "-m", "benchmarks.responder"]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin and process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


if __name__ == "__main__":
    main()
