"""Mutation testing of the state machines: `python -m tests.delivery.mutants` from the checkout; docs/mutation.md.

The moves are data, which the usual tools do not touch. For each table, each move is taken away once, and each that is
not there is added once; the tests of sending have to notice. As a plugin of pytest this module makes one such change.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings

from newsletter.delivery import states

ROOT = Path(__file__).resolve().parents[2]
TABLES: dict[str, Any] = {
    "batch": states.BATCH_MOVES,
    "delivery": states.DELIVERY_MOVES,
    "broadcast": states.BROADCAST_MOVES,
}
PATIENCE = 180  # seconds; the tests take 30 on an idle machine
# The quick ones first: pytest stops at the first that fails.
TESTS = """
    tests/delivery/test_broadcaster.py tests/delivery/test_planning.py tests/delivery/test_turns.py
    tests/delivery/test_events.py tests/delivery/test_states.py tests/pipeline/test_sending.py
    tests/pipeline/test_corrections.py
""".split()


def mutants() -> Iterator[tuple[str, str]]:
    """(sign, `table:from:to`) of each change: first the moves taken away, then those added."""
    pairs = [(name, before, after) for name, moves in TABLES.items() for before in moves for after in moves]
    for sign in "-+":
        for name, before, after in pairs:
            if before != after and (after in TABLES[name][before]) == (sign == "-"):
                yield sign, f"{name}:{before}:{after}"


def change(mutant: str) -> None:
    """Take the move of a mutant away, or add it."""
    name, before, after = mutant.split(":")
    moves = TABLES[name]
    kind = type(next(iter(moves)))
    moves[kind(before)] ^= {kind(after)}


def pytest_collection() -> None:
    """That something fails is enough: hypothesis need not look for the smallest example."""
    settings.register_profile("mutants", deadline=None, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutants")


def main() -> int:
    """Try all changes, or those that hold a word; print each, and how many survived."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("words", nargs="*", help="only changes that hold one of these, such as  batch:posting")
    options.add_argument("--sign", choices=["-", "+"], help="only moves taken away, or only those added")
    given = options.parse_args()
    survived = 0
    for sign, mutant in mutants():
        if given.sign not in (None, sign) or (given.words and not any(word in mutant for word in given.words)):
            continue
        begin = time.monotonic()
        code, first = tried(mutant)
        survived += code == 0
        verdict = {0: "SURVIVED", 1: "killed"}.get(code, f"pytest ended with {code}")
        print(f"{sign} {mutant:32} {verdict:9} {time.monotonic() - begin:4.0f} s  {first}", flush=True)
    print(f"{survived} survived")
    return min(survived, 1)


def tried(mutant: str) -> tuple[int, str]:
    """The exit code of the tests under a change, and the first that failed; on SQLite only, which starts at once."""
    plugins = ["-p", "no:cacheprovider", "-p", "mutants"]
    line = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *plugins, "-k", "not postgresql", *TESTS]
    paths = os.pathsep.join([str(Path(__file__).parent), str(ROOT)])
    environment = os.environ | {"MUTANT": mutant, "PYTHONPATH": paths}
    try:
        run = subprocess.run(
            line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return 1, "not at an end in time: it goes round for ever, or the machine is busy"
    failed = (text.removeprefix("FAILED ") for text in run.stdout.splitlines() if text.startswith(("FAILED", "ERROR")))
    return run.returncode, next(failed, "").partition(" - ")[0]


if os.environ.get("MUTANT"):  # at once: the ledger builds its statements from the tables when it is imported
    change(os.environ["MUTANT"])
if __name__ == "__main__":
    sys.exit(main())
