"""What the API can do: each operation calls one function of `newsletter.library` and gives back plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from newsletter.content.issue import Issue
from newsletter.errors import UsageError
from newsletter.library import Newsletter
from newsletter.web.api.values import plain

_SHOWN = """slug number title subject subtitle preheader author status date slot tags language segment""".split()
_MOST = 1000  # subscribers in one answer


@dataclass(frozen=True)
class Field:
    """One value that a caller gives: in the path, behind `?`, or in the JSON body."""

    name: str
    kind: type  # str, int or list (of texts)
    meaning: str
    required: bool = False


@dataclass(frozen=True)
class Call:
    """What a caller gave, read and checked: every field of the operation that was given, by its name."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text, empty where none was given."""
        return str(self.values.get(name, ""))

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        return int(self.values.get(name, default))


@dataclass(frozen=True)
class Operation:
    """One thing that can be done. A GET changes nothing; what is posted needs the key that may write."""

    method: str
    path: str  # below /api/v1, with `{name}` for each value in it
    name: str
    summary: str
    act: Callable[[Newsletter, Call], Any]
    given: tuple[Field, ...] = ()

    @property
    def in_path(self) -> tuple[str, ...]:
        """The names of the values in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


def _issues(letter: Newsletter, _: Call) -> Any:
    return [_issue(issue) for issue in letter.issues()]


def _one_issue(letter: Newsletter, call: Call) -> Any:
    slug = call.text("slug")
    edition = letter.render(slug)
    shown = {"subject": edition.subject, "preheader": edition.preheader, "digest": edition.digest, "text": edition.text}
    return _issue(letter.issue(slug)) | {"edition": shown, "findings": list(letter.check(slug))}


def _approve(letter: Newsletter, call: Call) -> Any:
    approval = letter.approve(call.text("slug"), call.text("by") or "the API")
    return {"digest": approval.edition.digest, "place": approval.place, "slot": approval.slot}


def _unapprove(letter: Newsletter, call: Call) -> Any:
    letter.unapprove(call.text("slug"))
    return letter.queue()


def _queue(letter: Newsletter, _: Call) -> Any:
    return letter.queue()


def _hold(letter: Newsletter, call: Call) -> Any:
    letter.hold(call.text("slug"))
    return letter.queue()


def _release(letter: Newsletter, call: Call) -> Any:
    letter.release(call.text("slug"))
    return letter.queue()


def _move(letter: Newsletter, call: Call) -> Any:
    letter.move(call.text("slug"), call.number("place", 1))
    return letter.queue()


def _calendar(letter: Newsletter, call: Call) -> Any:
    weeks = call.number("weeks", 4)
    if not 1 <= weeks <= 53:
        raise UsageError(f"weeks: {weeks} is out of range", "expected 1 to 53")
    return letter.calendar(weeks)


def _subscribers(letter: Newsletter, call: Call) -> Any:
    limit = call.number("limit", 100)
    if not 1 <= limit <= _MOST:
        raise UsageError(f"limit: {limit} is out of range", f"expected 1 to {_MOST}")
    rows = list(letter.subscribers(call.text("segment"), limit, after=call.number("after", 0)))
    return {"subscribers": rows, "next": rows[-1]["id"] if len(rows) == limit else None}


def _subscriber(letter: Newsletter, call: Call) -> Any:
    found = letter.subscriber(call.text("email"))
    if found is None:
        raise LookupError(f"nothing is stored about {call.text('email')[:80]}")
    return found


def _add(letter: Newsletter, call: Call) -> Any:
    tags = call.values.get("tags", [])
    source = call.text("consent_source")
    return {
        "added": letter.add_subscriber(call.text("email"), consent_source=source, name=call.text("name"), tags=tags)
    }


def _remove(letter: Newsletter, call: Call) -> Any:
    return {"removed": letter.remove_subscriber(call.text("email"), "the API")}


def _status(letter: Newsletter, _: Call) -> Any:
    return {key: value for key, value in letter.status().items() if key != "folder"}


def _stats(letter: Newsletter, _: Call) -> Any:
    return plain(letter.stats()) | {"subscribers_by_state": letter.count()}


def _stats_of(letter: Newsletter, call: Call) -> Any:
    return plain(letter.stats_of(call.text("slug"))) | {"report": letter.report(call.text("slug")).as_json()}


_SLUG = Field("slug", str, "The issue: its slug, `next` or `last`.", required=True)
_EMAIL = Field("email", str, "The address.", required=True)
OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/status", "status", "Where things stand.", _status),
    Operation("GET", "/issues", "issues", "All issues that can be read.", _issues),
    Operation("GET", "/issues/{slug}", "issue", "One issue, its edition, what the checks say.", _one_issue, (_SLUG,)),
    Operation("POST", "/issues/{slug}/approve", "approve", "Freeze an issue as it is now and queue it.", _approve,
              (_SLUG, Field("by", str, "Who approved it."))),
    Operation("POST", "/issues/{slug}/unapprove", "unapprove", "Take an issue out of the queue.", _unapprove, (_SLUG,)),
    Operation("GET", "/queue", "queue", "The approved issues, in order.", _queue),
    Operation("POST", "/queue/{slug}/hold", "hold", "Keep a queued issue from going out.", _hold, (_SLUG,)),
    Operation("POST", "/queue/{slug}/release", "release", "Let a held issue go out again.", _release, (_SLUG,)),
    Operation("POST", "/queue/{slug}/move", "move", "Bring a queued issue to a place.", _move,
              (_SLUG, Field("place", int, "1 is the front.", required=True))),
    Operation("GET", "/calendar", "calendar", "The slots to come, and what goes out in them.", _calendar,
              (Field("weeks", int, "How many; 4."),)),
    Operation("GET", "/subscribers", "subscribers", "Subscribers by id, page by page.", _subscribers,
              (Field("segment", str, "Such as `tag:beta and language=fr`; all without."),
               Field("limit", int, f"How many, up to {_MOST}; 100."),
               Field("after", int, "The `next` of the page before."))),
    Operation("POST", "/subscribers", "add", "Make an address active, on an agreement that you tell of.", _add,
              (_EMAIL, Field("consent_source", str, "Where the reader agreed.", required=True),
               Field("name", str, "Their name."), Field("tags", list, "Tags to add."))),
    Operation("GET", "/subscribers/{email}", "subscriber", "All that is stored of a reader.", _subscriber, (_EMAIL,)),
    Operation("POST", "/subscribers/{email}/remove", "remove", "Unsubscribe a reader.", _remove, (_EMAIL,)),
    Operation("GET", "/stats", "stats", "Subscribers over time, the last broadcasts, domains.", _stats),
    Operation("GET", "/stats/{slug}", "stats_of", "How an issue is doing, from the ledger.", _stats_of, (_SLUG,)),
)  # fmt: skip


def _issue(issue: Issue) -> dict[str, Any]:
    return {name: getattr(issue, name) for name in _SHOWN} | {"file": issue.file}
