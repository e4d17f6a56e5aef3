"""How much is too much: what the large mailbox providers tolerate.

Complaints, by Google's "Email sender guidelines" (support.google.com/mail/answer/81126): keep the spam rate below
0.10 % and never let it reach 0.30 %; and Yahoo's "Sender best practices" (senders.yahooinc.com/best-practices): keep it
below 0.3 %. Both mean complaints by mails that reached an inbox, both count their own users only, and Gmail names none
of those who complain to anybody: its own number stands in Postmaster Tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.stats.funnel import Funnel

WATCH = 0.001  # Gmail: stay below
LIMIT = 0.003  # Gmail: never reach; Yahoo: stay below


@dataclass(frozen=True)
class Health:
    """One broadcast as mailbox providers see it: shares, None where they are not measured.

    `verdict` is `good`, `watch` (at or above 0.1 % complaints), `bad` (at or above 0.3 %) or `not measured`.
    """

    slug: str
    delivered: float | None
    bounced: float | None
    complained: float | None
    verdict: str


def health(funnel: Funnel) -> Health:
    """Bounces and deliveries as shares of the accepted, complaints of those in an inbox."""
    of = funnel.accepted
    complained = funnel.rate(funnel.complained)
    return Health(
        funnel.slug,
        None if funnel.delivered is None or not of else funnel.delivered / of,
        None if funnel.bounced is None or not of else funnel.bounced / of,
        complained,
        verdict(complained),
    )


def verdict(complained: float | None) -> str:
    """A rate of complaints in a word."""
    if complained is None:
        return "not measured"
    return "bad" if complained >= LIMIT else "watch" if complained >= WATCH else "good"


def overall(funnels: Sequence[Funnel]) -> float | None:
    """The rate of complaints of several broadcasts together; one of a small issue alone says little."""
    told = [funnel for funnel in funnels if funnel.complained is not None and funnel.reached]
    reached = sum(funnel.reached for funnel in told)
    return sum(funnel.complained or 0 for funnel in told) / reached if reached else None
