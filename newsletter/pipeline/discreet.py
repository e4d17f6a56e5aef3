"""A provider whose words hold no secret of ours: what it answers is shown, logged and written into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Message,
    Outcome,
    Post,
    Probing,
    Provider,
    Recalling,
    Recipient,
    RecipientsRefused,
    Refused,
)
from newsletter.masks import Mask


class Discreet:
    """Passes everything on to `provider`, and takes the secrets out of what comes back."""

    def __init__(self, provider: Provider, mask: Mask) -> None:
        self.name, self.account = provider.name, provider.account
        self.largest_batch, self.honours_keys = provider.largest_batch, provider.honours_keys
        self._provider, self._known, self._mask = provider, mask, mask.strictly

    def prepare(self, message: Message) -> Post:
        """A function that posts `message` as the provider's own does."""
        post = self._provider.prepare(message)

        def discreetly(recipients: Sequence[Recipient], key: str) -> Outcome:
            return self._masked(post(recipients, key))

        return discreetly

    def probe(self) -> str:
        """What is wrong, or empty; empty as well where the provider cannot be asked."""
        return self._mask(self._provider.probe()) if isinstance(self._provider, Probing) else ""

    def recall(self, key: str, recipients: Sequence[Recipient]) -> Accepted | Refused | None:
        """What the provider's record says of a call; None as well where it keeps none."""
        found = self._provider.recall(key, recipients) if isinstance(self._provider, Recalling) else None
        masked = self._masked(found) if found else None
        return masked if isinstance(masked, Accepted | Refused) else None

    @property
    def can_be_asked(self) -> bool:
        """Whether the provider has a way to be asked without sending anything."""
        return isinstance(self._provider, Probing)

    def _masked(self, outcome: Outcome) -> Outcome:
        match outcome:
            case Accepted():
                words: dict[str, Any] = {"reference": self._known(outcome.reference)}  # events name it
            case RecipientsRefused():
                words = {"reasons": {place: self._mask(why) for place, why in outcome.reasons.items()}}
            case Blocked():
                words = {"reason": self._mask(outcome.reason), "hint": self._mask(outcome.hint)}
            case _:
                words = {"reason": self._mask(outcome.reason)}
        return replace(outcome, **words)
