"""Every error that a person can cause, with the exit code it ends the program with.

    NewsletterError            1  something failed that the person can mend
    ├── UsageError             2  the command was called wrongly
    ├── ConfigError            3  newsletter.toml, a key's name, a database address
    ├── ContentError           1  an issue, glossary or template file; names file and line
    ├── SafetyError            5  refused: sending would be wrong or irreversible
    ├── ProviderError          6  the provider could not be reached or asks to wait; safe to run again
    ├── PartlySentError        7  some readers have the issue, others do not yet; resume
    └── StoppedError         130  Ctrl-C

A message is one sentence that says what is wrong and where; a hint says what to do about it.
"""

from __future__ import annotations

from pathlib import Path

INTERRUPTED = 130  # 128 + SIGINT, as a shell says it


class NewsletterError(Exception):
    """Something failed that a person can mend. Shown without a traceback.

    `code` is the stable word that `--json` reports; `exit_code` is the program's exit status.
    """

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(NewsletterError):
    """The command was called with something that does not exist or does not fit."""

    code = "usage"
    exit_code = 2


class ConfigError(NewsletterError):
    """The configuration is missing, unreadable or says something impossible."""

    code = "configuration"
    exit_code = 3


class ContentError(NewsletterError):
    """A file of the publication cannot be read; the message starts with `file:line`."""

    code = "content"

    def __init__(self, path: Path | str, line: int | None, message: str, hint: str = "") -> None:
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {message}", hint)
        self.path = path
        self.line = line


class SafetyError(NewsletterError):
    """Refused by a safety rule: going on could send something wrong, or send it twice."""

    code = "refused"
    exit_code = 5


class ProviderError(NewsletterError):
    """The provider failed for now, and nobody got anything that is not in the ledger."""

    code = "provider"
    exit_code = 6


class PartlySentError(NewsletterError):
    """A broadcast stopped midway; `newsletter send ISSUE --resume` goes on with it."""

    code = "partly_sent"
    exit_code = 7


class StoppedError(NewsletterError):
    """Somebody pressed Ctrl-C."""

    code = "interrupted"
    exit_code = INTERRUPTED
