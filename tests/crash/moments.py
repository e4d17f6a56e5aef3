"""Every moment at which a crash can make a difference: before and after each commit, before and after each call.

What a killed process leaves behind is what it committed and what it posted, so two kills between the same two of these
moments leave the same. A victim is a fork of a server that has the program loaded, and dies by its own `kill -9`.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

_LOADED = ("newsletter.cli.main", "newsletter.cli.app", "newsletter.cli.scheduling", "newsletter.pipeline.sending")


def die_at(moment: int, words: Sequence[str], environment: dict[str, str]) -> int:
    """Run `newsletter WORDS`, killed at its moment of that number (from 1).

    The exit code: -9 where it was killed, its own where it ended before.
    """
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__, *_LOADED])
    victim = server.Process(target=_victim, args=(moment, list(words), environment))
    victim.start()
    victim.join()
    code = victim.exitcode
    victim.close()
    assert code is not None
    return code


def _victim(moment: int, words: list[str], environment: dict[str, str]) -> None:
    from newsletter.cli.main import main

    os.environ.update(environment)
    _count_down(moment)
    sys.stdout = sys.stderr = io.StringIO()
    sys.exit(main(words))


def _count_down(moment: int) -> None:
    """Have this process killed at its moment of that number."""
    import requests
    from sqlalchemy import Engine, Pool, event

    left, committed = [moment], [False]

    def pass_one() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_commit(_: Any) -> None:
        pass_one()
        committed[0] = True

    def after_commit(*_: Any) -> None:
        if committed[0]:
            committed[0] = False
            pass_one()

    event.listen(Engine, "commit", before_commit)
    event.listen(Pool, "checkin", after_commit)
    requests.Session.send = _around(requests.Session.send, pass_one)  # type: ignore[method-assign]


def _around(call: Callable[..., Any], pass_one: Callable[[], None]) -> Callable[..., Any]:
    def send(*arguments: Any, **more: Any) -> Any:
        pass_one()
        answer = call(*arguments, **more)
        pass_one()
        return answer

    return send
