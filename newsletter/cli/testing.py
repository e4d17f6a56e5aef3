"""`newsletter test`: the project's own tests, from a checkout."""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import typer

from newsletter.cli.output import Output
from newsletter.errors import NewsletterError, UsageError

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def run_tests(context: typer.Context) -> int:
    """Run the project's tests.

    Words after it go to pytest.
    """
    out: Output = context.obj
    out.command = "test"
    root = Path(__file__).resolve().parents[2]
    if not (root / "tests").is_dir() or not (root / "pyproject.toml").is_file():
        raise UsageError(
            "the tests are in the project's repository, not in this installed package",
            "clone the repository, and there: python3 -m newsletter test",
        )
    absent = [name for name in ("pytest", "xdist", "hypothesis") if not find_spec(name)]
    if absent:
        raise NewsletterError(
            f"this Python lacks {', '.join(absent)}", "python3 -m newsletter test installs the tools of the tests"
        )
    return _pytest(root, context.args, out)


def _pytest(root: Path, words: list[str], out: Output) -> int:
    import pytest

    os.chdir(root)  # so that pytest finds its configuration; paths are meant from here
    # What the caller says comes later and wins. Without a writable folder there is nothing to remember failures in.
    processes = (os.cpu_count() or 1) + 1  # tests wait a lot, for other processes and for the disk
    line = ["-n", str(processes), *([] if os.access(root, os.W_OK) else ["-p", "no:cacheprovider"]), *words]
    with contextlib.redirect_stdout(sys.stderr) if out.json else contextlib.nullcontext():
        code = int(pytest.main(line))
    if out.json and code:
        out.failure(NewsletterError(f"pytest ended with exit code {code}", "its report is on stderr"))
    elif out.json:
        out.result({"exit_code": code}, [])
    return code
