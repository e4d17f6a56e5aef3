"""Secrets by name: in a file, in the credentials directory that systemd provides, or in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from newsletter.errors import ConfigError


def secret(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """The secret called `name`, or None where nobody set it.

    Looked for in the file that `NAME_FILE` names, then in `$CREDENTIALS_DIRECTORY/NAME` (systemd.exec(5)), then in the
    variable `NAME`. Raises ConfigError where a named file cannot be read; the value itself is never in a message.
    """
    env = os.environ if environment is None else environment
    files = []
    if env.get(f"{name}_FILE"):
        files.append(Path(env[f"{name}_FILE"]))
    elif env.get("CREDENTIALS_DIRECTORY") and (Path(env["CREDENTIALS_DIRECTORY"]) / name).is_file():
        files.append(Path(env["CREDENTIALS_DIRECTORY"]) / name)
    for file in files:
        try:
            return file.read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{file}: the file for the secret {name} cannot be read", "check its path") from None
    return env.get(name, "").strip() or None
