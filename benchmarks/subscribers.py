"""How fast a list is taken in, and in how much memory: `python -m benchmarks.subscribers [--rows N]`.

A CSV as a program exports it (name, state, tags, language, date of consent; one line in 200 is bad) is imported into
SQLite with full durability, then the same list again, which must change nothing. Each import is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.samples import ROOT
from benchmarks.table import table

_STATES = ("subscribed",) * 17 + ("unsubscribed", "cleaned", "pending")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table; with `--child`, be one of the processes that are measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.subscribers", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="lines of the list (default 100,000)")
    parser.add_argument("--child", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        print(json.dumps(_take(Path(options.child))))
        return
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        write_list(Path(folder) / "list.csv", options.rows)
        rows = []
        for name in ("a new list", "the same list again"):
            call = [sys.executable, "-m", "benchmarks.subscribers", "--child", folder]
            done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            found = json.loads(done.stdout.splitlines()[-1])
            rate = f"{options.rows / found['seconds']:,.0f}"
            counts = [f"{found[key]:,}" for key in ("added", "unchanged", "rejected")]
            times = [f"{found['seconds']:.1f} s", f"{found['computing']:.1f} s"]
            rows.append([name, *times, rate, f"{found['peak']:.0f} MB", *counts])
        print(f"{options.rows:,} lines")
        print(table(["", "time", "computing", "lines/s", "peak", "added", "unchanged", "rejected"], rows))


def write_list(path: Path, rows: int) -> None:
    """A list of so many lines: the same bytes every time."""
    with path.open("w", encoding="utf-8") as out:
        out.write("Email Address,First Name,Last Name,Status,Language,TAGS,CONFIRM_TIME\n")
        for n in range(rows):
            email = f"reader.{n}@mail{n % 97}.example" if n % 200 else f"reader {n}"
            tags = '"""beta"",""vip"""' if n % 10 == 0 else ""
            out.write(f"{email},Ada {n},Öst,{_STATES[n % 20]},en,{tags},2024-02-03 10:00:{n % 60:02}\n")


def _take(folder: Path) -> dict[str, float]:
    from datetime import UTC, datetime

    from newsletter.audience.files import read_list
    from newsletter.audience.importing import import_entries
    from newsletter.store.database import open_store

    store = open_store("", folder / "state")
    begin, used = time.perf_counter(), time.process_time()
    with store.transaction() as connection:
        entries = read_list(folder / "list.csv")
        report = import_entries(connection, entries, source="a benchmark", now=datetime.now(UTC))
    seconds, computing = time.perf_counter() - begin, time.process_time() - used
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = {"added": report.added, "unchanged": report.unchanged, "rejected": report.rejected}
    return {"seconds": seconds, "computing": computing, "peak": peak, **counts}


if __name__ == "__main__":
    main()
