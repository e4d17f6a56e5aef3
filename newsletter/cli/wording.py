"""Typer's complaints about a command line in the words of this program."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from newsletter.errors import UsageError

_PLAIN = (
    (r"\.? (?:Did you mean .*|\(Possible options: .*\))", ""),
    (r"Invalid value for ", ""),
    (r"Input should be a valid integer, .*", "expected a whole number"),
    (r"Input should be a valid number, .*", "expected a number"),
    (r"Input should be less than or equal to", "expected at most"),
    (r"Input should be greater than or equal to", "expected at least"),
    (r"Got unexpected extra argument\(?s?\)? \((.*)\)", r"there is more than the command takes: \1"),
    (r"No such command", "there is no command"),
    (r"No such option:", "there is no option"),
    (r"Missing command", "say what to do"),
    (r"Missing argument", "it needs"),
)


def usage_error(error: Exception, words: Sequence[str]) -> UsageError:
    """What Typer says of the line `words`, plainly, with a word that was perhaps meant or the help to look at."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    message = " ".join(message.split()).rstrip(".")
    for pattern, plain in _PLAIN:
        message = re.sub(pattern, plain, message)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "newsletter"
    known = sorted(getattr(context.command, "commands", {})) if context else []
    if possible := getattr(error, "possibilities", None):
        return UsageError(f"{path}: {message}", f"did you mean {' or '.join(sorted(possible))}?")
    if "there is no command" in message:
        wrong = next((word for word in words if f"'{word}'" in message), "")
        near = difflib.get_close_matches(wrong, known, n=1)
        return UsageError(message, f"did you mean: {path} {near[0]}" if near else f"see: {path} --help")
    if "say what to do" in message:
        return UsageError(f"{path}: {message}", f"one of: {', '.join(known)}")
    return UsageError(f"{path}: {message}" if path != "newsletter" else message, f"see: {path} --help")
