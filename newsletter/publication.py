"""A publication on disk: the folder with `newsletter.toml`, and where its issues, themes and state are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from newsletter.config import FILE_NAME, Config, read_config
from newsletter.errors import ConfigError


@dataclass(frozen=True)
class Publication:
    """One publication: its folder (absolute) and its validated configuration."""

    folder: Path
    config: Config

    @property
    def issues(self) -> Path:
        """Where editors drop their Markdown."""
        return self.folder / "issues"

    @property
    def themes(self) -> tuple[Path, ...]:
        """Where themes are looked for: the publication's own folder first, then those that come with the program."""
        return (self.folder / "templates", builtin("templates"))

    @property
    def state(self) -> Path:
        """Database, signing key, outbox: never in git."""
        return self.folder / ".newsletter"


def builtin(name: str) -> Path:
    """A folder or file that comes with the program: in an installed package under `_data`, else in the checkout."""
    package = Path(__file__).parent
    installed = package / "_data" / name
    return installed if installed.exists() else package.parent / name


def find_publication(start: Path, wished: Path | None = None) -> Publication:
    """The publication in `wished`, else the one in `start` or the nearest folder above it.

    Raises ConfigError where there is none, or where its configuration cannot be meant.
    """
    if wished is not None:
        if wished.name == FILE_NAME or not os.path.lexists(wished / FILE_NAME):
            what = f"there is no {FILE_NAME} in it" if os.path.isdir(wished) else "there is no such folder"  # noqa: PTH112
            raise ConfigError(f"-C {wished}: {what}", "name a publication's folder, or make one: newsletter init DIR")
        return Publication(wished.resolve(), read_config(wished / FILE_NAME))
    try:
        here = start.resolve()
    except FileNotFoundError:
        raise ConfigError("the current folder was deleted", "go to a publication's folder, or use -C DIR") from None
    for folder in (here, *here.parents):
        if os.path.lexists(folder / FILE_NAME):
            return Publication(folder, read_config(folder / FILE_NAME))
    raise ConfigError(
        f"no {FILE_NAME} here or in a folder above",
        "go to a publication's folder, name it with -C DIR, or: newsletter init DIR",
    )
