"""How long an offline check takes, against rendering the same issue: `python -m benchmarks.check`.

Both are measured in turns in one process, each turn with a new issue; what is shown are medians of CPU time and their
ratio. *Cold* is the first issue of a process, imports and the reading of data included; for it, processes are started.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.samples import LENGTHS, ROOT, issue_of
from benchmarks.table import table

if TYPE_CHECKING:
    from newsletter.pipeline.desk import Desk

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables; with `--rules`, the rules that take longest as well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="issues of each length (default 15)")
    parser.add_argument("--rules", action="store_true", help="say which rules take longest")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.once:
        print(*_measure(LENGTHS[0], 1)[0])
        return
    rows = []
    for length in LENGTHS:
        rounds = max(3, options.rounds // (1 + 3 * LENGTHS.index(length)))
        rows.append(_row(length, _measure(length, rounds + 2)[2:]))
    rows.append(_row(f"{LENGTHS[0]}, cold", [_cold() for _ in range(max(3, options.rounds // 3))]))
    print(table(["an offline check", "render ms", "check ms", "check / render"], rows))
    if options.rules:
        print("\n" + table([f"{LENGTHS[0]}, rule", "ms"], _slowest(10)))


def _measure(length: str, rounds: int) -> list[tuple[float, float]]:
    """The seconds of rendering and of checking, round by round."""
    measured = []
    for turn in range(rounds):
        issue = issue_of(length, turn)
        begin = time.process_time()
        desk = _open()
        edition = desk.render(issue)
        between = time.process_time()
        desk.check(issue, edition, NOW)
        measured.append((between - begin, time.process_time() - between))
    return measured


def _cold() -> tuple[float, float]:
    call = [sys.executable, "-m", "benchmarks.check", "--once"]
    render, check = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    return float(render), float(check)


def _row(name: str, measured: Sequence[tuple[float, float]]) -> list[str]:
    render, check = (median(column) for column in zip(*measured, strict=True))
    return [name, f"{render * 1000:.1f}", f"{check * 1000:.1f}", f"{check / render:.2f}"]


def _slowest(count: int) -> list[list[str]]:
    """The rules that take longest; what several rules share is counted for the first that asks for it."""
    desk, seconds = _open(), defaultdict[str, list[float]](list)
    for turn in range(7):
        issue = issue_of(LENGTHS[0], turn)
        inspection = desk.inspect(issue, desk.render(issue), NOW)
        for rule in desk.rules:
            if rule.function is None or rule.opt_in:
                continue
            begin = time.process_time()
            list(rule.function(*((inspection,) if rule.limit is None else (inspection, rule.limit))))
            seconds[rule.id].append(time.process_time() - begin)
    medians = sorted(((median(row), name) for name, row in seconds.items()), reverse=True)
    return [[name, f"{value * 1000:.2f}"] for value, name in medians[:count]]


@cache
def _open() -> Desk:
    """The checkout's own publication; opened where it is measured, since its imports are part of the first issue."""
    from newsletter.pipeline.desk import open_desk
    from newsletter.publication import find_publication

    return open_desk(find_publication(ROOT))


if __name__ == "__main__":
    main()
