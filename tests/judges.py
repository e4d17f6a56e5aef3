"""The judges of a page, found or installed in one place: the Nu checker for HTML, axe for everybody's access."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

WIDTHS = (375, 1200)
TOOLS = Path(__file__).parent / "render" / "validity"


def tool(*names: str) -> str:
    """The path of the first of these programs that is here; without one the test is skipped."""
    found = next((path for name in names if (path := shutil.which(name))), "")
    return found or pytest.skip(f"there is no {names[0]} here")


def install_judges(folder: Path) -> Path:
    """What npm has of them, installed into `folder`."""
    shutil.copy(TOOLS / "package.json", folder)
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    subprocess.run([tool("npm"), "install", *flags], cwd=folder, check=True, capture_output=True, timeout=300)
    return folder


def html_faults(modules: Path, pages: Sequence[Path]) -> list[tuple[str, int | None, str]]:
    """What the Nu checker finds: file, line, message."""
    jar = modules / "node_modules/vnu-jar/build/dist/vnu.jar"
    command = [tool("java"), "-Xss4m", "-jar", jar, "--stdout", "--format", "json", "--exit-zero-always", *pages]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [(m["url"][-60:], m.get("lastLine"), m["message"]) for m in json.loads(done.stdout)["messages"]]


def hindrances(modules: Path, pages: Sequence[Path], widths: Sequence[int] = WIDTHS) -> list[dict[str, Any]]:
    """What axe finds on each page, light and dark, in each width, and whether a page scrolls sideways."""
    browser = tool("chromium", "chromium-browser", "google-chrome")
    command = [tool("node"), TOOLS / "axe.mjs", f"{modules}/", browser, ",".join(map(str, widths)), *pages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(pages) * len(widths) * 2
    return results
