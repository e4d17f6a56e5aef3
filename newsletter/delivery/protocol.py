"""What delivery asks of a provider, and the answers it understands.

The protocol lives with its caller: an adapter in `newsletter/providers/` imports it from here, never the reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from newsletter.content.pictures import Picture


@dataclass(frozen=True)
class Message:
    """What all recipients have in common; `subject`, `html`, `text` and header values may hold `{{variable}}`.

    `carried` are the pictures that the HTML shows from within the mail.
    """

    sender: str
    subject: str
    html: str
    text: str
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    carried: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Recipient:
    """One address, and the text that each variable of the message has for it."""

    email: str
    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Quota:
    """What the provider tells of its limit: calls a window, how many are left, seconds until all are free again."""

    limit: int
    remaining: int
    seconds: float


@dataclass(frozen=True)
class Accepted:
    """The provider took the call. `reference` is its name for it; `dropped` how many it left out, not saying whom."""

    reference: str = ""
    dropped: int = 0
    quota: Quota | None = None


@dataclass(frozen=True)
class RecipientsRefused:
    """Nobody was taken, because of some recipients: position in the call -> reason. The others may be posted."""

    reasons: Mapping[int, str]


@dataclass(frozen=True)
class Refused:
    """Nobody was taken, for now: the same call may be repeated, not before `retry_after` seconds.

    `too_fast`: since there were too many calls, so that all processes have to go slower.
    """

    reason: str
    retry_after: float = 0.0
    too_fast: bool = False
    quota: Quota | None = None


@dataclass(frozen=True)
class Blocked:
    """Nobody was taken, and repeating will not help: a person has to mend something first."""

    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Unknown:
    """The call may have been taken or not: nobody can tell from the answer."""

    reason: str


Outcome = Accepted | RecipientsRefused | Refused | Blocked | Unknown
Post = Callable[[Sequence[Recipient], str], Outcome]


@dataclass(frozen=True)
class Setup:
    """What a provider of another package is opened with: `Provider = factory(Setup)`.

    `settings` are those of `[provider.settings]`, with the values of the secrets that `[provider.secrets]` names among
    them; `state` is the publication's folder for what it has to keep; the time-outs are seconds, the second one until
    the whole answer is there.
    """

    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    state: Path = Path(".newsletter")
    connect_timeout: float = 10.0
    read_timeout: float = 60.0


class EventKind(StrEnum):
    """What a provider tells of one mail or one address."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Event:
    """Something that a provider told, in our words.

    `key` is the same each time that the same thing is told. `reference` is the provider's name for the batch. `soft`
    bounces are those after which another mail may arrive. `subject` tells whose mail it was where nothing else does.
    """

    kind: EventKind
    email: str
    occurred_at: datetime
    key: str
    reference: str = ""
    subject: str = ""
    soft: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Probing(Protocol):
    """A provider that can be asked whether it would take mail now."""

    def probe(self) -> str:
        """Ask without sending anything: what is wrong (unreachable, the key is refused…), or empty."""
        ...


@runtime_checkable
class Recalling(Protocol):
    """A provider that keeps a record of the calls that it took, by their keys."""

    @property
    def honours_keys(self) -> bool:
        """As of every provider."""
        ...

    def recall(self, key: str, recipients: Sequence[Recipient]) -> Accepted | Refused | None:
        """What became of the call under this key, which was to these recipients.

        `Accepted` where the record has it, `Refused` where it has it not and the call can no longer arrive, None where
        that cannot be told now. It never raises.
        """
        ...


class Provider(Protocol):
    """One email service."""

    @property
    def name(self) -> str:
        """The name under which the ledger remembers who carried a broadcast."""
        ...

    @property
    def account(self) -> str:
        """Whose calls are counted together by the provider: a name that tells keys apart and gives none away."""
        ...

    @property
    def largest_batch(self) -> int:
        """How many recipients one call may have."""
        ...

    @property
    def honours_keys(self) -> bool:
        """Whether a repeat of a call under the same idempotency key is known to be taken once."""
        ...

    def prepare(self, message: Message) -> Post:
        """A function that posts `message` to recipients under an idempotency key; it answers and never raises."""
        ...
