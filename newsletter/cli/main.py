"""The program: global options from anywhere on the line, one command, one exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter import __version__
from newsletter.cli.output import Output
from newsletter.errors import NewsletterError, UsageError

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name) and return its exit code; never raises but for bugs."""
    out = Output()
    try:
        options = hoist(sys.argv[1:] if argv is None else argv)
        out = options.output
        if options.folder_missing:
            raise UsageError("-C needs the publication's folder", "newsletter -C DIR COMMAND")
        if options.version:
            out.result({"version": __version__}, [f"newsletter {__version__}"])
            return 0
        return _dispatch(options.rest, out)
    except NewsletterError as error:
        if out.debug:
            raise
        out.failure(error)
        return error.exit_code
    except KeyboardInterrupt:
        out.failure(NewsletterError("interrupted"))
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no message, and none from Python at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


@dataclass(frozen=True)
class Options:
    """The global options, and the line without them."""

    output: Output
    version: bool
    rest: list[str]
    folder_missing: bool = False


def hoist(argv: Sequence[str]) -> Options:
    """Take `-C DIR`, `--json`, `--debug` and `--version` out of the line, wherever they stand before a `--`."""
    rest: list[str] = []
    found: set[str] = set()
    folder: Path | None = None
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in ("--json", "--debug", "--version"):
            found.add(word)
        elif word == "-C" or word.startswith("-C="):
            name = word[3:] or next(words, "")
            folder = Path(name) if name else None
            found |= set() if name else {"-C"}
        else:
            rest.append(word)
    output = Output(folder=folder, json="--json" in found, debug="--debug" in found)
    return Options(output, "--version" in found, rest, "-C" in found)


def _dispatch(rest: list[str], out: Output) -> int:
    from typer.exceptions import TyperException

    from newsletter.cli.app import app

    try:
        code = app(args=rest or ["--help"], standalone_mode=False, obj=out, prog_name="newsletter")
    except TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        raise UsageError(message.rstrip("."), "see: newsletter --help") from None
    return code if isinstance(code, int) and code else out.exit_code
