"""Addresses that open a file in the editor at a line; each editor has its own scheme."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

_VSCODE = "{scheme}://file{path}:{line}:{column}"
SCHEMES: Mapping[str, str] = {
    "vscode": _VSCODE.replace("{scheme}", "vscode"),
    "code": _VSCODE.replace("{scheme}", "vscode"),
    "codium": _VSCODE.replace("{scheme}", "vscodium"),
    "cursor": _VSCODE.replace("{scheme}", "cursor"),
    "windsurf": _VSCODE.replace("{scheme}", "windsurf"),
    "zed": _VSCODE.replace("{scheme}", "zed"),
    "subl": "subl://open?url=file://{path}&line={line}&column={column}",
    "idea": "idea://open?file={path}&line={line}&column={column}",
    "pycharm": "pycharm://open?file={path}&line={line}&column={column}",
    "webstorm": "webstorm://open?file={path}&line={line}&column={column}",
    "mate": "txmt://open?url=file://{path}&line={line}&column={column}",
    "mvim": "mvim://open?url=file://{path}&line={line}&column={column}",
    "nova": "nova://open?path={path}&line={line}&column={column}",
}
_SAFE = re.compile(r"(?!javascript:|data:|vbscript:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def template_of(wished: str, environment: Mapping[str, str]) -> str:
    """The address with `{path}`, `{line}`, `{column}` for `[preview] editor`, else for VISUAL or EDITOR; or nothing."""
    for name in (wished, environment.get("VISUAL", ""), environment.get("EDITOR", "")):
        if "{path}" in name and _SAFE.match(name):
            return name
        words = name.split()
        if words and (scheme := SCHEMES.get(Path(words[0]).stem.lower())):
            return scheme
    return ""


def address(template: str, path: Path | None, line: int | None = None, column: int | None = None) -> str:
    """The address that opens `path` there; empty where there is no template or no path."""
    if not template or path is None:
        return ""
    values = {"{path}": quote(path.as_posix()), "{line}": str(line or 1), "{column}": str(column or 1)}
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template
