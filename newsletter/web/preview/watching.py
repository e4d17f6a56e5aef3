"""Sees what an editor saves: issues, themes, glossary, configuration; and what commands change in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from newsletter.config import FILE_NAME
from newsletter.content.glossary import FILE_NAMES

_TREES = ("issues", "templates", "snippets", "checks", "images")
_FILES = frozenset({FILE_NAME, *FILE_NAMES, *_TREES, "links.toml"})
_DATABASE = frozenset({"newsletter.db", "newsletter.db-wal"})
_STEP = 8  # milliseconds without another change after which what was saved is shown
_PULSE = 3.0  # seconds between two questions to a database elsewhere
_SETTLED = 0.1  # seconds after which a watch that was begun sees everything
_IGNORED_SUFFIXES = ("~", ".swp", ".swx", ".tmp", ".part")

Tell = Callable[[set[str], bool], None]


async def watch(
    folder: Path, state: Path, tell: Tell, stop: asyncio.Event, pulse: Callable[[], object] | None = None
) -> None:
    """Call `tell(names, files)` after each change until `stop` is set.

    `names` are the issue files that changed, empty for what concerns all of them; `files` is False where only the
    database changed. A database that is not a file in `state` is asked every few seconds: `pulse` gives another value
    after each change that pages show.
    """
    database = _asked(pulse, tell, stop) if pulse else _database(state, tell, stop)
    await asyncio.gather(_sources(folder, tell, stop), database)


async def _sources(folder: Path, tell: Tell, stop: asyncio.Event) -> None:
    """The trees that exist now, and the publication's folder itself; again whenever a tree appears."""
    first = True
    while not stop.is_set():
        again = asyncio.Event()
        trees = [folder / name for name in _TREES if (folder / name).is_dir()]

        def on_root(paths: Iterable[Path], again: asyncio.Event = again) -> None:
            if any(path.name in _TREES for path in paths):
                again.set()
            tell(set(), True)

        def on_tree(paths: Iterable[Path]) -> None:
            names = {path.name if path.parent == folder / "issues" else "" for path in paths}
            tell(set() if "" in names else names, True)

        work = [
            asyncio.create_task(_either(stop, again)),
            asyncio.create_task(
                _loop([folder], lambda path: path.name in _FILES, on_root, again, recursive=False, step=_STEP)
            ),
            asyncio.create_task(_loop(trees, _is_source, on_tree, again, recursive=True, step=_STEP)),
        ]
        if not first:  # what was written into a new tree before anybody watched it
            await asyncio.sleep(_SETTLED)
            tell(set(), True)
        first = False
        await asyncio.gather(*work)


async def _either(stop: asyncio.Event, again: asyncio.Event) -> None:
    """Set `again` when `stop` is set: what runs listens to one event only."""
    waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(again.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    again.set()


async def _asked(pulse: Callable[[], object], tell: Tell, stop: asyncio.Event) -> None:
    from newsletter.errors import NewsletterError

    last = None
    while not stop.is_set():
        try:
            now = await asyncio.to_thread(pulse)
            if last is not None and now != last:
                tell(set(), False)
            last = now
        except NewsletterError:
            pass  # the server is away; every page says so, and the next question may find it
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PULSE)


async def _database(state: Path, tell: Tell, stop: asyncio.Event) -> None:
    if state.is_dir():  # a broadcast in flight writes all the time: twice a second is enough
        await _loop(
            [state],
            lambda path: path.name in _DATABASE,
            lambda _: tell(set(), False),
            stop,
            recursive=False,
            step=100,
            debounce=500,
        )


async def _loop(
    paths: list[Path],
    wanted: Callable[[Path], bool],
    on_change: Callable[[list[Path]], None],
    stop: asyncio.Event,
    *,
    recursive: bool,
    step: int,
    debounce: int = 60,
) -> None:
    from watchfiles import awatch

    if not paths:
        return
    async for found in awatch(
        *paths,
        watch_filter=lambda _, name: wanted(Path(name)),
        debounce=debounce,
        step=step,
        stop_event=stop,
        recursive=recursive,
        ignore_permission_denied=True,
    ):
        on_change(sorted({Path(name) for _, name in found}))


def _is_source(path: Path) -> bool:
    return not path.name.startswith((".", "#")) and not path.name.endswith(_IGNORED_SUFFIXES)
