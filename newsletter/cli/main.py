"""The program: global options from anywhere on the line, one command, one exit code."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter import __version__
from newsletter.cli.completion import answer, is_asked
from newsletter.cli.output import Output
from newsletter.errors import NewsletterError, StoppedError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name) and return its exit code; never raises."""
    _open_streams()
    if is_asked():
        return answer()
    out = Output()
    try:
        options = hoist(sys.argv[1:] if argv is None else argv)
        out = options.output
        code = _run(options)
        if code == StoppedError.exit_code and not out.ended:  # Typer turns Ctrl-C into this code, without a word
            raise StoppedError("interrupted")
    except (Exception, KeyboardInterrupt) as error:
        if out.debug:
            out.trace()
        known = explain(error)
        out.failure(known)
        code = known.exit_code
    return out.closed(code)


def explain(error: BaseException) -> NewsletterError:
    """The error as a person is told it; what nobody foresaw is called a bug, since it is one."""
    if isinstance(error, NewsletterError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return StoppedError("interrupted")
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = "make room, then run it again" if full else "check that it exists and may be used"
        return NewsletterError(f"{where}{error.strerror or error}", hint)
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return NewsletterError(
        f"this is a bug in newsletter: {type(error).__name__}: {error}{place}",
        "please report it, with what  --debug  adds",
    )


@dataclass(frozen=True)
class Options:
    """The global options, and the line without them."""

    output: Output
    version: bool
    rest: list[str]
    folder_missing: bool = False


def hoist(argv: Sequence[str]) -> Options:
    """Take `-C DIR`, `--json`, `--debug`, `--log-format F` and `--version` out, wherever they stand before a `--`."""
    rest: list[str] = []
    found: set[str] = set()
    folder: Path | None = None
    log_format = ""
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in ("--json", "--debug", "--version"):
            found.add(word)
        elif word == "--log-format" or word.startswith("--log-format="):
            log_format = word.partition("=")[2] or next(words, "") or "nothing"
        elif word.startswith("-C"):
            name = word[2:].removeprefix("=") or next(words, "")
            folder = Path(name) if name else None
            found |= set() if name else {"-C"}
        else:
            rest.append(word)
    output = Output(folder=folder, json="--json" in found, debug="--debug" in found, log_format=log_format)
    return Options(output, "--version" in found, rest, "-C" in found)


def _run(options: Options) -> int:
    out, rest = options.output, options.rest
    if options.folder_missing:
        raise UsageError("-C needs the publication's folder", "newsletter -C DIR COMMAND")
    if out.log_format not in ("", "text", "json"):
        wrong, out.log_format = out.log_format, ""
        raise UsageError(f"--log-format takes text or json, not {wrong}", "newsletter --log-format json COMMAND")
    if options.version:
        out.command = "version"
        out.result({"version": __version__}, [f"newsletter {__version__}"])
        return 0
    if not rest or rest[0] == "help":
        rest = [*rest[1:], "--help"]
    command = rest[: rest.index("--")] if "--" in rest else rest
    if "--help" in command or ("-h" in command and rest[0] != "test"):  # pytest has a -h of its own
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            _dispatch(rest, out)
        out.command = "help"
        out.result({"text": text.getvalue()}, text.getvalue().rstrip().splitlines())
        return 0
    return _dispatch(rest, out)


def _dispatch(rest: list[str], out: Output) -> int:
    from typer.exceptions import TyperException

    from newsletter.cli.app import app
    from newsletter.cli.wording import usage_error

    try:
        code = app(args=rest, standalone_mode=False, obj=out, prog_name="newsletter")
    except TyperException as error:
        raise usage_error(error, rest) from None
    return code if isinstance(code, int) and code else out.exit_code


def _open_streams() -> None:
    """Make sure that words can be said: in any locale, and where a stream was closed (`>&-`).

    A closed stream's number would be given to the next file that is opened, which may be the database.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
