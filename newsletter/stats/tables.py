"""Tables of figures: in HTML, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from newsletter.stats.funnel import Funnel
from newsletter.stats.report import IssueStats
from newsletter.stats.words import UNMEASURED, count, percent

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    "issue",
    "begun_at",
    "state",
    "planned",
    "skipped",
    "rejected",
    "waiting",
    "unknown",
    "dropped",
    "accepted",
    "delivered",
    "bounced",
    "complained",
    "unsubscribed",
    "clicked",
    "clicks",
    "opened",
    "machine_opened",
)


@dataclass(frozen=True)
class Cell:
    """What stands in a table. `safe` text is HTML already, `look` a class, `style` a style of its own."""

    text: str
    look: str = ""
    style: str = ""
    safe: bool = False


Row = Sequence[str | Cell]


def told(number: int | None, share: float | None = None) -> Cell:
    """A number, with its share if there is one; or that it is not measured."""
    if number is None:
        return Cell(UNMEASURED, look="unmeasured-cell")
    return Cell(count(number) + (f" ({percent(share)})" if share is not None else ""))


def meter(share: float, look: str = "") -> Cell:
    """A share of one as a bar; the number stands beside it, so that nobody is read the bar."""
    bar = f'<span class="{look}" style="inline-size:{min(share, 1.0) * 100:.1f}%"></span>' if share else ""
    return Cell(bar, look="bar", safe=True)


def table(caption: str, head: Sequence[str | None], rows: Iterable[Row], look: str = "") -> str:
    """A table whose rows begin with their name. A head that is None is of bars, which need none."""
    named = f'<h3 class="caption">{escape(caption)}</h3>' if caption else ""
    heads = "".join(f'<th scope="col">{escape(word)}</th>' if word else "<td></td>" for word in head)
    body = "".join(f"<tr>{_name(row[0])}{''.join(_cell(cell) for cell in row[1:])}</tr>" for row in rows)
    label = escape(caption or "The numbers of the chart")
    return (
        f'<div>{named}<div class="scroll" tabindex="0" role="group" aria-label="{label}">'
        f'<table class="{look}" aria-label="{label}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div></div>"
    )


def broadcasts_csv(funnels: Sequence[Funnel]) -> list[str]:
    """One line for each broadcast; what is not measured is empty."""
    return _csv(COLUMNS, ([_value(funnel, name) for name in COLUMNS] for funnel in funnels))


def issue_csv(stats: IssueStats) -> list[str]:
    """One line for each figure of an issue: of what (funnel, skipped, link, inbox…), its name, the figure."""
    funnel = stats.funnel
    rows: list[Sequence[Any]] = [("funnel", name, _value(funnel, name)) for name in COLUMNS]
    rows += [("skipped", reason, number) for reason, number in funnel.skipped.items()]
    rows += [("rejected", reason, number) for reason, number in funnel.rejected.items()]
    for point in stats.curve:
        rows += [(f"{name} after", point.after, getattr(point, name)) for name in ("accepted", "delivered", "clicked")]
    rows += [("readers of link", link.link, link.readers) for link in stats.links]
    rows += [("clicks of link", link.link, link.clicks) for link in stats.links]
    for inbox in stats.inboxes:
        names = ("accepted", "delivered", "bounced", "complained", "clicked")
        rows += [(f"{name} at", inbox.name, getattr(inbox, name)) for name in names]
    for arm in stats.trial.arms if stats.trial else ():
        rows += [("readers of subject", arm.subject, arm.readers), ("responses to subject", arm.subject, arm.responded)]
    return _csv(("figure", "of", "number"), rows)


def _value(funnel: Funnel, name: str) -> Any:
    match name:
        case "issue":
            return funnel.slug
        case "begun_at":
            return funnel.at.isoformat()
        case "skipped" | "rejected":
            return sum(getattr(funnel, name).values())
        case _:
            return getattr(funnel, name)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue().splitlines()


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is told to be none (OWASP, "CSV Injection")."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _name(cell: str | Cell) -> str:
    cell = cell if isinstance(cell, Cell) else Cell(cell)
    return f'<th scope="row"{_attributes(cell)}>{cell.text if cell.safe else escape(cell.text)}</th>'


def _cell(cell: str | Cell) -> str:
    cell = cell if isinstance(cell, Cell) else Cell(cell)
    return f"<td{_attributes(cell)}>{cell.text if cell.safe else escape(cell.text)}</td>"


def _attributes(cell: Cell) -> str:
    look = f' class="{cell.look}"' if cell.look else ""
    return look + (f' style="{escape(cell.style)}"' if cell.style else "")
