"""The figures as one HTML file: no script, nothing loaded from anywhere, each chart with its numbers in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from zoneinfo import ZoneInfo

from newsletter.stats import charts
from newsletter.stats.charts import Mark, Series
from newsletter.stats.funnel import Funnel
from newsletter.stats.report import IssueStats, Overview
from newsletter.stats.tables import Cell, Row, meter, table, told
from newsletter.stats.thresholds import LIMIT, WATCH
from newsletter.stats.words import (
    COMPLAINTS,
    LEFT,
    OPENS,
    UNMEASURED,
    count,
    losses,
    percent,
    stages,
    trial_words,
    verdict,
)

# A frame inherits it: the picture of an issue loads nothing either.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'"
)
Address = Callable[[str], str]  # of the page about an issue; empty where there is none


def nowhere(_: str) -> str:
    """The address of a page that is not there."""
    return ""


def overview_page(stats: Overview, zone: ZoneInfo, address: Address = nowhere, home: str = "") -> str:
    """How a publication is doing. `address` leads to the page of an issue, `home` back to the preview."""
    back = f'<nav><a href="{escape(home)}">Back to the issues</a></nav>' if home else ""
    parts = [
        back,
        f"<h1>{escape(stats.name)}</h1>",
        _as_of(stats.at, zone),
        _figures(_of_publication(stats)),
        _readers(stats),
    ]
    if stats.broadcasts:
        parts += [_broadcasts(stats, zone, address), _deliverability(stats, zone)]
    else:
        parts.append("<h2>Broadcasts</h2><p>Nothing was sent yet.</p>")
    parts += [_cohorts(stats), _providers(stats)]
    return _page(stats.name, parts)


def issue_page(stats: IssueStats, zone: ZoneInfo, picture: str = "", home: str = "") -> str:
    """How one issue is doing; `picture` is its email as HTML, with what was clicked in it."""
    back = f'<nav><a href="{escape(home)}">All numbers</a></nav>' if home else ""
    funnel = stats.funnel
    began = f'<p class="dim">{escape(funnel.state)}, begun {_moment(funnel.at, zone)}</p>'
    parts = [back, f"<h1>{escape(funnel.slug)}</h1>", began, _as_of(stats.at, zone), _figures(_of_issue(stats))]
    parts += [_trial(stats), _funnel(funnel), _curve(stats), _clicks(stats, picture), _inboxes(stats)]
    return _page(f"{funnel.slug} – {stats.name}", parts)


def _page(title: str, parts: Sequence[str]) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}: numbers</title>'
        f"<style>{_style()}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


@cache
def _style() -> str:
    return files("newsletter.stats").joinpath("report.css").read_text(encoding="utf-8")


def _as_of(at: datetime, zone: ZoneInfo) -> str:
    return f'<p class="dim">As of {_moment(at, zone)}</p>'


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%A %Y-%m-%d %H:%M} {zone.key}"


def _figures(figures: Sequence[tuple[str, str | None, str]]) -> str:
    """(name, figure or None, what it is of) in a row."""
    entries = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f"<dd{'' if figure else ' class=unmeasured'}>{escape(figure or UNMEASURED)}"
        f"<small>{escape(of)}</small></dd></div>"
        for name, figure, of in figures
    )
    return f'<dl class="figures">{entries}</dl>'


def _of_publication(stats: Overview) -> list[tuple[str, str | None, str]]:
    last, sent = stats.growth[-1], stats.broadcasts
    clicked = [(funnel.clicked, funnel.reached) for funnel in sent if funnel.clicked is not None and funnel.reached]
    share = sum(number for number, _ in clicked) / sum(of for _, of in clicked) if clicked else None
    left = sum(funnel.unsubscribed for funnel in sent), sum(funnel.reached for funnel in sent)
    return [
        ("Active readers", count(stats.subscribers.get("active", 0)), f"{last.net:+} in the period since {last.label}"),
        ("Clicked", None if share is None else percent(share), f"of those reached, in {len(clicked)} issues"),
        ("Unsubscribed", percent(left[0] / left[1]) if left[1] else None, "of those reached, after an issue"),
        ("Complained", None if stats.complaints is None else percent(stats.complaints, 2), "of those reached"),
    ]


def _of_issue(stats: IssueStats) -> list[tuple[str, str | None, str]]:
    funnel = stats.funnel

    def share(number: int | None, digits: int = 1) -> str | None:
        rate = funnel.rate(number)
        return None if rate is None else percent(rate, digits)

    machines = f", {count(funnel.machine_opened)} more by machines" if funnel.machine_opened else ""
    opened = count(funnel.opened) if funnel.opened is not None else None
    return [
        ("Clicked", share(funnel.clicked), "" if funnel.clicked is None else f"{count(funnel.clicked)} readers"),
        ("Unsubscribed", share(funnel.unsubscribed), f"{count(funnel.unsubscribed)} readers"),
        ("Complained", share(funnel.complained, 2), "" if funnel.complained is None else verdict(stats.health.verdict)),
        ("Opened", opened, f"readers{machines}" if opened else ""),
    ]


def _readers(stats: Overview) -> str:
    if not any(change.joined or change.members for change in stats.growth):
        return "<h2>Readers</h2><p>Nobody has joined yet.</p>"
    labels, first, last = [one.label for one in stats.growth], stats.growth[0], stats.growth[-1]
    members = charts.lines(
        "Active readers over time",
        f"From {first.members} at the end of {first.label} to {last.members} now.",
        labels,
        [Series("active", "main", [one.members for one in stats.growth])],
        shown=_whole,
    )
    gains = [Series("joined", "main", [one.joined for one in stats.growth])]
    lost = [
        Series("left", "second", [one.left for one in stats.growth]),
        Series("bounced", "loss", [one.bounced for one in stats.growth]),
        Series("complained", "bad", [one.complained for one in stats.growth]),
    ]
    joined, gone = sum(one.joined for one in stats.growth), sum(one.joined - one.net for one in stats.growth)
    moves = charts.columns(
        "Joined and lost",
        f"{joined} joined, {gone} were lost since {first.label}.",
        labels,
        up=gains,
        down=lost,
        shown=_whole,
    )
    rows: list[Row] = [
        [one.label, *_numbers(one.joined, one.left, one.bounced, one.complained), f"{one.net:+}", str(one.members)]
        for one in stats.growth
    ]
    numbers = table("", ["", "joined", "left", "bounced", "complained", "net", "active"], rows)
    pair = _figure("Active readers", members, []) + _figure("Joined above, lost below the line", moves, [*gains, *lost])
    return f'<h2>Readers</h2><div class="pair">{pair}</div>{_numbers_below(numbers)}'


def _broadcasts(stats: Overview, zone: ZoneInfo, address: Address) -> str:
    sent = stats.broadcasts
    shown = f"The last {len(sent)} of {stats.begun} broadcasts." if len(sent) < stats.begun else ""
    rates = charts.lines(
        "Clicked and unsubscribed, of those reached",
        "One point for each broadcast; where it is not measured there is none.",
        [_day(funnel, zone) for funnel in sent],
        [
            clicked := Series("clicked", "main", [funnel.rate(funnel.clicked) for funnel in sent]),
            left := Series("unsubscribed", "second", [funnel.rate(funnel.unsubscribed) for funnel in sent]),
        ],
        shown=lambda value: percent(value, 0 if value >= 0.02 or not value else 1),
        floor_at=0.01,
    )
    head = [
        "",
        "planned",
        "accepted",
        "delivered",
        "clicked",
        "bounced",
        "complained",
        "unsubscribed",
        "skipped",
        "rejected",
    ]
    rows: list[Row] = [_broadcast(funnel, zone, address) for funnel in reversed(sent)]
    return (
        f"<h2>Broadcasts</h2>{_figure('Clicked and unsubscribed, of those reached', rates, [clicked, left])}"
        f'{table("Each broadcast, the newest first", head, rows)}<p class="note">{shown} {LEFT} {OPENS}</p>'
    )


def _broadcast(funnel: Funnel, zone: ZoneInfo, address: Address) -> list[Cell]:
    link = address(funnel.slug)
    name = f'<a href="{escape(link)}">{escape(funnel.slug)}</a>' if link else escape(funnel.slug)
    return [
        Cell(f'{name}<br><span class="dim">{funnel.at.astimezone(zone):%a %Y-%m-%d}</span>', safe=True),
        *_numbers(funnel.planned, funnel.accepted, funnel.delivered),
        told(funnel.clicked, funnel.rate(funnel.clicked)),
        *_numbers(funnel.bounced, funnel.complained, funnel.unsubscribed),
        *_numbers(sum(funnel.skipped.values()), sum(funnel.rejected.values())),
    ]


def _deliverability(stats: Overview, zone: ZoneInfo) -> str:
    of = [health.complained for health in stats.health]
    complained = Series("complained", "main", of)
    chart = charts.lines(
        "Complaints, of those reached",
        "Gmail asks to stay below 0.1 % and never to reach 0.3 %; Yahoo to stay below 0.3 %.",
        [_day(funnel, zone) for funnel in stats.broadcasts],
        [complained],
        shown=lambda value: percent(value, 2),
        marks=[Mark(WATCH, "0.1 %: Gmail asks to stay below"), Mark(LIMIT, "0.3 %: limit of Gmail and Yahoo")],
        floor_at=LIMIT * 1.15,
    )
    rows: list[Row] = [
        [
            Cell(health.slug, look="wrap"),
            *(
                Cell(percent(share, digits))
                for share, digits in ((health.delivered, 1), (health.bounced, 1), (health.complained, 2))
            ),
            Cell(verdict(health.verdict), look=f"verdict-{health.verdict}" if health.verdict in _VERDICTS else "dim"),
        ]
        for health in reversed(stats.health)
    ]
    numbers = table("", ["", "delivered", "bounced", "complained", ""], rows)
    figure = _figure("Complaints, of those reached", chart, [])
    return f'<h2>Deliverability</h2>{figure}<p class="note">{COMPLAINTS}</p>{_numbers_below(numbers)}'


_VERDICTS = ("good", "watch", "bad")


def _cohorts(stats: Overview) -> str:
    if not stats.cohorts:
        return ""
    longest = max(len(cohort.kept) for cohort in stats.cohorts)
    head = ["joined in", "readers", *(str(number) for number in range(longest))]
    rows: list[Row] = [
        [
            cohort.label,
            str(cohort.size),
            *(_kept(kept, cohort.size) for kept in cohort.kept),
            *[""] * (longest - len(cohort.kept)),
        ]
        for cohort in stats.cohorts
    ]
    grid = table("Of those who joined in a month: still here, so many months later", head, rows, look="cohorts")
    return f"<h2>Who stayed</h2>{grid}"


def _kept(kept: int, size: int) -> Cell:
    share = kept / size
    return Cell(percent(share, 0), style=f"--heat:{max(0, round((share - 0.5) * 200))}")


def _providers(stats: Overview) -> str:
    total = sum(share.readers for share in stats.providers)
    if not total:
        return ""
    rows: list[Row] = [
        [share.name, count(share.readers), percent(share.readers / total), meter(share.readers / total)]
        for share in stats.providers
    ]
    domains: list[Row] = [
        [
            Cell(share.name, look="wrap"),
            count(share.readers),
            percent(share.readers / total),
            meter(share.readers / total),
        ]
        for share in stats.domains
    ]
    by_provider = table("Mailbox providers", ["", "readers", "share", None], rows)
    by_domain = table("The largest domains", ["", "readers", "share", None], domains)
    note = (
        "By the domain of the address. A domain of one's own may be at any provider; "
        "which program shows the mail is not known."
    )
    return f'<h2>Where readers are</h2><div class="pair">{by_provider}{by_domain}</div><p class="note">{note}</p>'


def _funnel(funnel: Funnel) -> str:
    def rows(entries: Sequence[tuple[str, int | None]], look: str) -> list[list[str | Cell]]:
        shares = [
            (name, number, number / funnel.planned if number and funnel.planned else 0.0) for name, number in entries
        ]
        return [
            [Cell(name, look="wrap"), told(number), percent(share) if number is not None else "", meter(share, look)]
            for name, number, share in shares
        ]

    kept = table("Who got it", ["", "readers", "of the planned", None], rows(stages(funnel), ""))
    lost = table("Who did not, or left", ["", "readers", "of the planned", None], rows(losses(funnel), "loss"))
    return f'<h2>From planned to clicked</h2><div class="pair">{kept}{lost}</div><p class="note">{LEFT} {OPENS}</p>'


def _trial(stats: IssueStats) -> str:
    if stats.trial is None:
        return ""
    rows: list[Row] = [
        [Cell(arm.subject, look="wrap"), *_numbers(arm.readers, arm.responded), percent(arm.rate), meter(arm.rate)]
        for arm in stats.trial.arms
    ]
    arms = table("The samples", ["", "readers", stats.trial.terms.rule.value, "share", None], rows) if rows else ""
    return f"<h2>Subjects</h2><p>{escape(trial_words(stats.trial))}</p>{arms}"


def _curve(stats: IssueStats) -> str:
    if not stats.curve or not stats.funnel.accepted:
        return ""
    series = [
        Series("accepted by the provider", "third", [one.accepted for one in stats.curve]),
        Series("delivered", "main", [one.delivered for one in stats.curve]),
        Series("clicked", "second", [one.clicked for one in stats.curve]),
    ]
    shown = [one for one in series if any(value is not None for value in one.values)]
    labels, last = [one.after for one in stats.curve], stats.curve[-1]
    told_last = f"{last.accepted} accepted, {count(last.delivered)} delivered, {count(last.clicked)} clicked"
    description = f"After {last.after}: {told_last}."
    chart = charts.lines("Readers, by the time since it was begun", description, labels, shown, shown=_whole)
    rows: list[Row] = [[one.after, *_numbers(one.accepted, one.delivered, one.clicked)] for one in stats.curve]
    numbers = _numbers_below(table("", ["after", "accepted", "delivered", "clicked"], rows))
    return f"<h2>How fast</h2>{_figure('Readers, by the time since it was begun', chart, shown)}{numbers}"


def _clicks(stats: IssueStats, picture: str) -> str:
    if stats.funnel.clicked is None:
        listed = "<p>Not measured: no click was told of this issue.</p>"
    else:
        rows: list[Row] = [[Cell(link.link, look="wrap"), str(link.readers), str(link.clicks)] for link in stats.links]
        listed = (
            table("Links that were followed", ["", "readers", "clicks"], rows)
            if rows
            else "<p>No link was followed.</p>"
        )
    if not picture:
        return f"<h2>Clicks</h2>{listed}"
    frame = f'<iframe sandbox="" title="The issue, each link with its clicks" srcdoc="{escape(picture)}"></iframe>'
    note = '<p class="note">Behind each link: how many of those reached followed its address, and their number.</p>'
    return f'<h2>Clicks</h2><div class="picture"><div>{frame}{note}</div><div>{listed}</div></div>'


def _inboxes(stats: IssueStats) -> str:
    if not stats.inboxes:
        return ""
    rows: list[Row] = [
        [one.name, *_numbers(one.accepted, one.delivered, one.bounced, one.complained, one.clicked)]
        for one in stats.inboxes
    ]
    head = ["", "accepted", "delivered", "bounced", "complained", "clicked"]
    return f"<h2>Mailbox providers</h2>{table('By the domain of the address', head, rows)}"


def _figure(title: str, chart: str, legend: Sequence[Series]) -> str:
    keys = "".join(f'<span><i class="{one.look}"></i>{escape(one.name)}</span>' for one in legend)
    return f'<figure><h3>{escape(title)}</h3><div class="legend">{keys}</div>{chart}</figure>'


def _numbers_below(numbers: str) -> str:
    return f"<details><summary>The numbers</summary>{numbers}</details>"


def _numbers(*numbers: int | None) -> list[Cell]:
    return [told(number) for number in numbers]


def _whole(value: float) -> str:
    return count(abs(round(value)))


def _day(funnel: Funnel, zone: ZoneInfo) -> str:
    return f"{funnel.at.astimezone(zone):%d %b}"
