"""Secrets by name: in a file, in the credentials directory that systemd provides, or in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from newsletter.errors import ConfigError
from newsletter.masks import Secret


def secret(name: str, environment: Mapping[str, str] | None = None) -> Secret | None:
    """The secret called `name`, or None where nobody set it.

    Looked for in the file that `NAME_FILE` names, then in `$CREDENTIALS_DIRECTORY/NAME` (systemd.exec(5)), then in the
    variable `NAME`. Raises ConfigError where a named file cannot be read; the value itself is never in a message.
    """
    env = os.environ if environment is None else environment
    file = file_of(name, env)
    if file is None:
        value = env.get(name, "").strip()
        return Secret(value) if value else None
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{file}: the file for the secret {name} cannot be read", "check its path") from None
    return Secret(value) if value else None


def revealed(name: str) -> str:
    """The value of the secret called `name`, empty where nobody set it. Raises ConfigError as `secret` does."""
    found = secret(name)
    return found.reveal() if found else ""


def file_of(name: str, environment: Mapping[str, str] | None = None) -> Path | None:
    """The file in which the secret called `name` is looked for; None where it is looked for in the environment."""
    env = os.environ if environment is None else environment
    if env.get(f"{name}_FILE"):
        return Path(env[f"{name}_FILE"])
    folder = env.get("CREDENTIALS_DIRECTORY")
    return Path(folder) / name if folder and (Path(folder) / name).is_file() else None
