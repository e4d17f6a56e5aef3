"""`redirects.toml`: old path -> slug of the issue that is there now; a move adds to it, the public pages read it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from newsletter.content.slugs import is_slug
from newsletter.errors import ConfigError

FILE_NAME = "redirects.toml"
_EXAMPLE = 'a line is  "/old/path/" = "slug-of-the-issue"'


def read_redirects(folder: Path) -> dict[str, str]:
    """What `redirects.toml` in a publication's folder says; nothing where there is none.

    Raises ConfigError for what cannot be meant: no TOML, a path that does not begin with `/` or leads upwards, no slug.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}", _EXAMPLE) from None
    for old, slug in found.items():
        if not old.startswith("/") or ".." in old.split("/") or "\0" in old:
            raise ConfigError(f'{path}: "{old[:80]}" is no path of a page', _EXAMPLE)
        if not isinstance(slug, str) or not is_slug(slug):
            raise ConfigError(f'{path}: "{old[:80]}" leads to no slug', _EXAMPLE)
    return found


def add_redirects(folder: Path, new: Mapping[str, str]) -> None:
    """Add to `redirects.toml`; what stands there stays as it is. Raises OSError where it cannot be written."""
    known = read_redirects(folder)
    lines = [f"{json.dumps(old)} = {json.dumps(slug)}" for old, slug in new.items() if old not in known]
    if lines:
        head = "" if known else "# Old addresses of issues, and the issue that each leads to now.\n"
        with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
            file.write(head + "\n".join(lines) + "\n")
