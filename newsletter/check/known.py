"""What a check is told from outside, by whoever has a network, a database or a dictionary; rules only look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from newsletter.check.support import Support
from newsletter.finding import Finding


@dataclass(frozen=True)
class Outcome:
    """What became of trying an address.

    `state` is one of `fine`, `moved` (for good, to `final`), `gone` (nothing is there), `failing` (an answer or an
    error that may pass), `refused` (the server does not answer programs), `insecure` (its certificate is not valid),
    `private` (not on the public web, so it was not tried) and `unchecked` (nobody could tell). `detail` says it in
    words. `secure` tells of an `http:` address that the same one with `https:` answers.
    """

    state: str
    detail: str = ""
    final: str = ""
    secure: bool = False


@dataclass(frozen=True)
class Approval:
    """What stands in the queue: the source that was approved, as its SHA-256."""

    source_digest: str


@dataclass(frozen=True)
class Readership:
    """Who would get the issue now. `before` is how many got the last broadcast to the same segment, None for none.

    `harmed` are those of the skipped who bounced, complained or were suppressed. `empty` counts, for each merge tag
    without a default, the readers for whom it is empty; `unknown` says, for each that looks at a tag or an own field
    which nobody has, what is missing. `needed` is how long posting takes at the provider's rate,
    `room` the time from the next slot to the one after it, `daily` how many mails a day may have (0: not known).
    """

    readers: int
    skipped: int
    segment: str = ""
    harmed: int = 0
    before: int | None = None
    empty: Mapping[str, int] | None = None
    unknown: Mapping[str, str] | None = None
    needed: timedelta = timedelta()
    room: timedelta | None = None
    daily: int = 0


@dataclass(frozen=True)
class Known:
    """All of it; what nobody found out is None, and the rules that need it do not run."""

    outcomes: Mapping[str, Outcome] | None = None
    approval: Approval | None = None
    readership: Readership | None = None
    support: Support | None = None
    misspelt: Callable[[str], Mapping[str, str]] | None = None  # text -> each unknown word with the nearest known one
    notes: tuple[Finding, ...] = ()


NOTHING = Known()
