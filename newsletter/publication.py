"""A publication on disk: the folder with `newsletter.toml`, and where its issues, themes and state are."""

from __future__ import annotations

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
        if not (wished / FILE_NAME).is_file():
            raise ConfigError(f"{wished}: there is no {FILE_NAME} here", "make a publication with: newsletter init DIR")
        return Publication(wished.resolve(), read_config(wished / FILE_NAME))
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE_NAME).is_file():
            return Publication(folder, read_config(folder / FILE_NAME))
    raise ConfigError(
        f"no {FILE_NAME} here or in a folder above",
        "go to a publication's folder, name it with -C DIR, or: newsletter init DIR",
    )
