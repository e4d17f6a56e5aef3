"""How many signed events a second are stored: `python -m benchmarks.events [--events N] [--connections N]`.

`newsletter serve` runs as a process of its own on SQLite with full durability, and answers an event with 200 when it is
on the disk. At the end the server is killed with SIGKILL, and what was acknowledged is looked for in the database.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.samples import ROOT

SECRET = "k" * 40
_TOML = '[publication]\nname="T"\nbase_url="http://127.0.0.1"\nsender="t@t.example"\n[provider]\nname="outbox"\n'


def main(argv: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000, help="how many (default 10,000)")
    parser.add_argument("--connections", type=int, default=40, help="how many at once (default 40)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as name:
        folder = Path(name)
        calls = [event_call(number) for number in range(options.events)]
        with serving(folder) as (process, port):
            before, begin = _computing(process.pid), time.perf_counter()
            acknowledged = asyncio.run(_post_all(port, calls, options.connections))
            seconds = time.perf_counter() - begin
            used = _computing(process.pid) - before
            process.send_signal(signal.SIGKILL)
            process.wait()
        stored = count(folder)
        bare = _bare(folder, max(100, options.events // 20))
    print(f"{acknowledged:,} events acknowledged in {seconds:.1f} s: {acknowledged / seconds:,.0f} a second")
    print(
        f"{bare:,.0f} a second are bare inserts, each with a commit: {acknowledged / seconds / bare:.1f} times as many"
    )
    print(f"{used:.1f} s of computing by the server: {used / max(1, acknowledged) * 1e6:.0f} µs an event")
    print(f"{stored:,} in the database after kill -9; lost: {max(0, acknowledged - stored)}")


def _computing(process: int) -> float:
    """Seconds of computing that a process has used so far (proc(5), stat); 0 where there is no /proc."""
    try:
        words = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _bare(folder: Path, number: int) -> float:
    """Rows a second that are inserted into the same database and committed one by one, nothing else done."""
    with closing(sqlite3.connect(folder / ".newsletter" / "newsletter.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")  # as the server has it; the journal's mode is the file's own
        columns = "source, key, kind, email_key, reference, occurred_at, received_at, state, detail"
        row = ("bare", "delivered", "a@reader.example", "b", "2026-11-24", "2026-11-24", "applied", "{}")
        begin = time.perf_counter()
        for one in range(number):
            values = (row[0], f"{one:064}", *row[1:])
            connection.execute(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return number / (time.perf_counter() - begin)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`newsletter serve` on a publication in `folder`: the process, and its port."""
    (folder / "issues").mkdir(exist_ok=True)
    (folder / "newsletter.toml").write_text(_TOML, encoding="utf-8")
    call = [sys.executable, "-m", "newsletter", "serve", "--port", "0", "--json", "-C", str(folder)]
    environment = os.environ | {"AUTOSEND_WEBHOOK_SECRET": SECRET}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(call, text=True, cwd=ROOT, env=environment, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["data"]["url"]
        try:
            yield process, urlsplit(url).port or 0
        finally:
            process.kill()


def count(folder: Path) -> int:
    """How many events the database of the publication holds."""
    with sqlite3.connect(folder / ".newsletter" / "newsletter.db") as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


def event_call(number: int) -> bytes:
    """One event as the bytes of its request."""
    data = {"emailId": f"e{number}", "batchId": "b", "to": {"email": f"r{number}@reader.example"}, "subject": "News"}
    body = json.dumps({"type": "email.delivered", "createdAt": "2026-11-24T08:00:00Z", "data": data}).encode()
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = f"POST /webhooks/autosend HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    return f"{head}X-Webhook-Signature: {mac}\r\n\r\n".encode() + body


async def _post_all(port: int, calls: list[bytes], connections: int) -> int:
    rest = iter(calls)
    return sum(await asyncio.gather(*(_post(port, rest) for _ in range(connections))))


async def _post(port: int, rest: Iterator[bytes]) -> int:
    """Post what is left over one connection; how many were acknowledged."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    acknowledged = 0
    for call in rest:
        writer.write(call)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        acknowledged += head.startswith(b"http/1.1 200")
    writer.close()
    return acknowledged


if __name__ == "__main__":
    main()
