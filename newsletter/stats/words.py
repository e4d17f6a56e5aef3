"""Figures as people read them, the same in the terminal and on the page."""

from __future__ import annotations

from newsletter.delivery.trials import Trial
from newsletter.stats.funnel import Funnel
from newsletter.stats.thresholds import Health

UNMEASURED = "not measured"
_VERDICTS = {
    "good": "below 0.1 %: good",
    "watch": "at or above 0.1 %: watch it",
    "bad": "at or above 0.3 %: Gmail and Yahoo may refuse your mail",
    "not measured": UNMEASURED,
}
OPENS = (
    "Opens say little: mail programs open mails by themselves, and others block what an open is seen by. "
    "Clicks and answers come first."
)
COMPLAINTS = "Gmail names none of those who complain: its own number stands in its Postmaster Tools."
LEFT = "Unsubscribed: left after this issue and before they got another one."


def count(number: int | None) -> str:
    """A number with its thousands apart, or that it is not measured."""
    return UNMEASURED if number is None else f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(share: float | None, digits: int = 1) -> str:
    """A share of one in percent."""
    return UNMEASURED if share is None else f"{share * 100:.{digits}f} %"


def complaints(health: Health) -> str:
    """The rate of complaints and what it means."""
    if health.complained is None:
        return UNMEASURED
    return f"{percent(health.complained, 2)}, {verdict(health.verdict)}"


def verdict(word: str) -> str:
    """What a rate of complaints means."""
    return _VERDICTS[word]


def trial_words(trial: Trial) -> str:
    """How a test of subjects went: what won, why, and how sure that is."""
    if trial.winner is None:
        when = f" after {trial.decide_at:%Y-%m-%d %H:%M} UTC" if trial.decide_at else ""
        return f"still tested on {trial.terms.share * 100:.0f} % of the readers; the others get the better one{when}"
    terms = f"by {trial.terms.rule.value}, {trial.decided_at:%Y-%m-%d %H:%M} UTC"
    said = trial.chance is not None and any(arm.responded for arm in trial.arms)
    sure = f" A difference like that comes by chance in {percent(trial.chance)} of tests." if said else ""
    return f'"{trial.subjects[trial.winner]}" won: {trial.reason} ({terms}).{sure}'


def stages(funnel: Funnel) -> list[tuple[str, int | None]]:
    """The way of a broadcast, from everybody whom it was for to those who clicked."""
    return [
        ("planned", funnel.planned),
        ("accepted", funnel.accepted),
        ("delivered", funnel.delivered),
        ("clicked", funnel.clicked),
    ]


def losses(funnel: Funnel) -> list[tuple[str, int | None]]:
    """Whom it did not reach, and who did not want it; what there is none of is left out, but not what is unmeasured."""
    skipped = [(f"skipped: {reason}", number) for reason, number in funnel.skipped.items()]
    refused = [(f"rejected: {reason or 'no reason given'}", number) for reason, number in funnel.rejected.items()]
    rest = [
        ("waiting", funnel.waiting or None),
        ("unknown", funnel.unknown or None),
        ("left out by the provider", funnel.dropped or None),
    ]
    told = [("bounced", funnel.bounced), ("complained", funnel.complained), ("unsubscribed", funnel.unsubscribed)]
    return [*skipped, *refused, *((name, number) for name, number in rest if number), *told]
