"""The figures in a terminal of 80 columns: bars and sparklines in letters, no colours; plain ASCII where need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from newsletter.stats.funnel import Funnel
from newsletter.stats.report import IssueStats, Overview
from newsletter.stats.words import (
    COMPLAINTS,
    LEFT,
    OPENS,
    UNMEASURED,
    complaints,
    count,
    losses,
    percent,
    stages,
    trial_words,
)

WIDTH = 80
_LABEL, _NUMBER = 22, 12
_SPARKS, _BLOCKS = "▁▂▃▄▅▆▇█", "▏▎▍▌▋▊▉█"
_ASCII_SPARKS, _ASCII_BLOCK = ".:-=+*#@", "#"


@dataclass(frozen=True)
class Ink:
    """What the terminal can show: letters of any script, or ASCII only."""

    plain: bool = False

    def spark(self, values: Sequence[int]) -> str:
        """A row of values as one letter each, from the smallest to the largest."""
        signs = _ASCII_SPARKS if self.plain else _SPARKS
        low, high = min(values, default=0), max(values, default=0)
        if low == high:
            return signs[0] * len(values)
        return "".join(signs[(value - low) * (len(signs) - 1) // (high - low)] for value in values)

    def bar(self, share: float, width: int) -> str:
        """A share of one as a bar; what is more than nothing is never an empty one."""
        share = min(max(share, 0.0), 1.0)
        if self.plain:
            return _ASCII_BLOCK * (max(1, round(share * width)) if share else 0)
        eighths = max(1, round(share * width * 8)) if share else 0
        return _BLOCKS[-1] * (eighths // 8) + (_BLOCKS[eighths % 8 - 1] if eighths % 8 else "")

    def text(self, words: str) -> str:
        """Words as they can be shown."""
        words = words.replace("\N{NARROW NO-BREAK SPACE}", " ")
        return words.encode("ascii", "replace").decode("ascii") if self.plain else words


def ink_for(encoding: str | None) -> Ink:
    """The ink for a stream's encoding."""
    try:
        (_SPARKS + _BLOCKS).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Ink(plain=True)
    return Ink()


def overview_lines(stats: Overview, zone: ZoneInfo, ink: Ink) -> list[str]:
    """How a publication is doing."""
    states = ", ".join(f"{count(number)} {state}" for state, number in stats.subscribers.items()) or "none yet"
    lines = [stats.name, "", f"Subscribers  {states}", *_growth(stats, ink)]
    if stats.broadcasts:
        lines += ["", *_broadcasts(stats, zone), "", *_complaints(stats), "", *_cohorts(stats, ink)]
        lines += ["", *_providers(stats, ink), "", *_folded(OPENS), *_folded(LEFT)]
    else:
        lines += ["", "Nothing was sent yet."]
    return [ink.text(line).rstrip() for line in lines]


def issue_lines(stats: IssueStats, zone: ZoneInfo, ink: Ink) -> list[str]:
    """How one issue is doing."""
    funnel = stats.funnel
    lines = [f"{funnel.slug}  {funnel.state}, {_when(funnel.at, zone)}", "", *_funnel(funnel, ink)]
    lines += ["", f"Complaints   {complaints(stats.health)}"]
    lines += _trial(stats)
    lines += ["", *_opens(funnel), *_curve(stats, ink), *_links(stats, ink), *_inboxes(stats)]
    return [ink.text(line).rstrip() for line in [*lines, "", *_folded(LEFT)]]


def _growth(stats: Overview, ink: Ink) -> list[str]:
    changes = stats.growth
    if not any(change.joined or change.members for change in changes):
        return []
    spark = ink.spark([change.members for change in changes])
    lines = [f"             {spark}  {count(changes[-1].members)} active, since {changes[0].label}", ""]
    lines.append(f"{'':<12}{'joined':>9}{'left':>9}{'bounced':>9}{'complained':>12}{'net':>9}{'active':>10}")
    for one in changes[-6:]:
        numbers = f"{one.joined:>9}{one.left:>9}{one.bounced:>9}{one.complained:>12}{one.net:>+9}{one.members:>10}"
        lines.append(f"{one.label:<12}{numbers}")
    return lines


def _broadcasts(stats: Overview, zone: ZoneInfo) -> list[str]:
    shown, all_told = len(stats.broadcasts), stats.begun
    more = f", the last {shown} of {all_told}" if shown < all_told else ""
    lines = [
        f"Broadcasts{more}",
        f"{'':<11}{'':<23}{'accepted':>9}{'delivered':>10}{'clicked':>9}{'bounced':>9}{'left':>9}",
    ]
    for funnel in stats.broadcasts:
        cells = [
            (str(funnel.accepted), 9),
            (_short(funnel.delivered, funnel.accepted), 10),
            (_short(funnel.clicked, funnel.reached), 9),
            (_short(funnel.bounced, funnel.accepted), 9),
            (_short(funnel.unsubscribed, funnel.reached), 9),
        ]
        numbers = "".join(f"{text:>{width}}" for text, width in cells)
        lines.append(f"{funnel.at.astimezone(zone):%Y-%m-%d} {_cut(funnel.slug, 22):<23}{numbers}")
    if any(None in (funnel.delivered, funnel.clicked) for funnel in stats.broadcasts):
        lines.append(f"- is {UNMEASURED}: nobody told")
    return lines


def _complaints(stats: Overview) -> list[str]:
    whole = " of all that was delivered" if stats.complaints is not None else ""
    lines = [f"Complaints   {percent(stats.complaints, 2)}{whole}"]
    lines += [f"             {one.slug}: {complaints(one)}" for one in stats.health if one.verdict in ("watch", "bad")]
    return [*lines, *_folded(COMPLAINTS, 13)]


def _cohorts(stats: Overview, ink: Ink) -> list[str]:
    lines = ["Who stayed, by month of joining"]
    for cohort in stats.cohorts:
        share = cohort.kept[-1] / cohort.size
        lines.append(
            f"{cohort.label:<12}{count(cohort.size):>7} joined  {percent(share, 0):>5} here  {ink.bar(share, 30)}"
        )
    return lines


def _providers(stats: Overview, ink: Ink) -> list[str]:
    total = sum(share.readers for share in stats.providers)
    lines = ["Mailbox providers, by domain"]
    for share in stats.providers:
        part = share.readers / total
        lines.append(f"{share.name:<16}{count(share.readers):>9} {percent(part):>7}  {ink.bar(part, 40)}")
    return lines


def _funnel(funnel: Funnel, ink: Ink) -> list[str]:
    lines = [_row(name, number, funnel.planned, ink) for name, number in stages(funnel)]
    return [*lines, "", *(_row(name, number, funnel.planned, ink) for name, number in losses(funnel))]


def _row(name: str, number: int | None, whole: int, ink: Ink) -> str:
    share = number / whole if number and whole else 0.0
    told = f"{count(number):>{_NUMBER}}" + (f" {percent(share):>7}" if number is not None else "")
    return f"{_cut(name, _LABEL):<{_LABEL}}{told}  {ink.bar(share, WIDTH - _LABEL - _NUMBER - 10)}"


def _opens(funnel: Funnel) -> list[str]:
    if funnel.opened is None:
        return [f"Opens        {UNMEASURED}"]
    machines = f", and {count(funnel.machine_opened)} by a machine only" if funnel.machine_opened else ""
    return [
        f"Opens        {count(funnel.opened)} readers ({percent(funnel.rate(funnel.opened))}){machines}",
        *_folded(OPENS, 13),
    ]


def _trial(stats: IssueStats) -> list[str]:
    if stats.trial is None:
        return []
    shares = [
        f"{'':<13}{percent(arm.rate):>7} of {arm.readers:>6}  {_cut(arm.subject, 47)}" for arm in stats.trial.arms
    ]
    return ["", *_folded(f"Subjects     {trial_words(stats.trial)}"), *shares]


def _curve(stats: IssueStats, ink: Ink) -> list[str]:
    if not stats.curve or not stats.funnel.accepted:
        return []
    lines = ["", "After        accepted  delivered    clicked"]
    for one in stats.curve:
        share = (one.accepted if one.delivered is None else one.delivered) or 0
        numbers = f"{_dash(one.accepted):>9}{_dash(one.delivered):>11}{_dash(one.clicked):>11}"
        lines.append(f"{one.after:<12}{numbers}  {ink.bar(share / stats.funnel.accepted, 30)}")
    return lines


def _links(stats: IssueStats, ink: Ink) -> list[str]:
    if stats.funnel.clicked is None:
        return ["", f"Clicks       {UNMEASURED}: no click was told of this issue"]
    most = max((link.readers for link in stats.links), default=0)
    lines = ["", f"{'Readers':>7} {'clicks':>7}  link"]
    for link in stats.links:
        lines.append(
            f"{link.readers:>7} {link.clicks:>7}  {ink.bar(link.readers / most, 10):<10} {_cut(link.link, 52)}"
        )
    return lines if stats.links else ["", "Clicks       none told"]


def _inboxes(stats: IssueStats) -> list[str]:
    lines = [
        "",
        f"{'Mailbox provider':<20}{'accepted':>9}{'delivered':>11}{'bounced':>9}{'complained':>12}{'clicked':>10}",
    ]
    for one in stats.inboxes:
        told = f"{_dash(one.delivered):>11}{_dash(one.bounced):>9}{_dash(one.complained):>12}{_dash(one.clicked):>10}"
        lines.append(f"{one.name:<20}{one.accepted:>9}{told}")
    return lines if stats.inboxes else []


def _short(number: int | None, whole: int) -> str:
    return "-" if number is None else percent(number / whole if whole else 0.0)


def _dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def _when(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%A %Y-%m-%d %H:%M} {zone.key}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _folded(text: str, indent: int = 0) -> list[str]:
    from textwrap import wrap  # noqa: PLC0415 - only here

    return [" " * indent + line for line in wrap(text, WIDTH - indent)]
