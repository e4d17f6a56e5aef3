"""What a run of a broadcast is given, and what it tells on its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from newsletter.delivery.ledger import Reader
from newsletter.delivery.protocol import Outcome, Post, Refused

STOPPED = Refused("stopped by hand")


@dataclass(frozen=True)
class Progress:
    """How far a broadcast is; `waiting` says why nothing happens just now.

    `readers` are those in batches by now: while the broadcast is still being planned (`planned` is False), it grows.
    """

    sent: int
    readers: int
    batch: int
    waiting: str = ""
    skipped: int = 0
    planned: bool = True


@dataclass(frozen=True)
class Job:
    """What to post: the message of an edition as the provider took it, and what its variables are for one reader.

    `others` post the same under its further subjects, where these are tested. `fallbacks` post what the provider
    refused through another one, one for each subject.
    """

    digest: str
    post: Post
    values: Callable[[Reader], Mapping[str, str]]
    others: tuple[Post, ...] = ()
    fallbacks: tuple[Post, ...] = ()

    def post_to(self, readers: Sequence[Reader], *, instead: bool = False) -> Post:
        """What posts to the readers of a batch, who all have the same subject; `instead` through the fallback."""
        posts = self.fallbacks if instead else (self.post, *self.others)
        return posts[readers[0].subject]


@dataclass
class Tally:
    """What the calls of a broadcast came to in this process: readers taken and refused, doubts one after the other."""

    taken: int = 0
    refused: int = 0
    doubts: int = 0


def reason_of(outcome: Outcome | None) -> str:
    """Why, in the outcome's own words; empty where it has none."""
    return str(getattr(outcome, "reason", ""))
