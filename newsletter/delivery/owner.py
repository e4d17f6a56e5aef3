"""Who is posting a batch, written so that another process can tell whether that one still lives."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path


def this_process() -> str:
    """A name for this process that no other process, machine or container ever has."""
    return "/".join((*_machine(), str(os.getpid()), _started(os.getpid()), secrets.token_hex(4)))


def is_gone(owner: str) -> bool:
    """Whether the process of that name is known to be dead; False where it runs elsewhere and nobody here can know."""
    parts = owner.split("/")
    if len(parts) != 6 or tuple(parts[:3]) != _machine() or not parts[3].isdigit():
        return False
    return not parts[4] or _started(int(parts[3])) != parts[4]


def _machine() -> tuple[str, str, str]:
    """Host, boot and process namespace: within one such triple a process number means one process at a time."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot = namespace = ""
    return socket.gethostname().replace("/", "-"), boot, namespace


def _started(pid: int) -> str:
    """When the process started, in clock ticks since boot (proc(5), field 22); empty where it does not run."""
    try:
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(") ", 1)[1].split()
        )
    except (OSError, IndexError):
        return _alive(pid)
    return "" if state == "Z" else fields[18]


def _alive(pid: int) -> str:
    """Where there is no /proc: `alive` for a process that runs, so that at least a dead one is seen to be dead."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
