"""The list of issues as a page asks for it: what waits, what is written, what went out, and when the next slot is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from newsletter.config import secret
from newsletter.content.issue import Issue, Status
from newsletter.content.reader import Folder
from newsletter.publication import Publication
from newsletter.schedule.slots import Slot
from newsletter.web.preview.editor import address
from newsletter.web.preview.outcome import Outlook
from newsletter.web.preview.workspace import Problem

_NUMBERLESS = 10**9  # issues without a number come last


def board(
    publication: Publication,
    folder: Folder,
    outlook: Outlook,
    known: Callable[[str], Issue | None],
    *,
    problem: Problem | None,
    editor: str,
    version: int,
    read_only: bool,
) -> dict[str, Any]:
    """All that the page shows beside the issue that is open. `known` gives a broken file's issue as it last was."""
    plan = outlook.plan
    rows = [row(issue, outlook, plan, publication.config.schedule.zone) for issue in folder.issues]
    rows += [_broken(Path(error.path), known(Path(error.path).name)) for error in folder.broken]
    rows.sort(key=lambda entry: _NUMBERLESS if entry["number"] is None else entry["number"])
    return {
        "version": version,
        "publication": publication.config.publication.name,
        "folder": str(publication.folder),
        "read_only": read_only,
        "next_slot": slot_json(outlook.slot),
        "next_issue": next((issue.slug for issue in outlook.waiting if plan.get(issue.slug) == outlook.slot), None),
        "queue": [issue.slug for issue in outlook.waiting],
        "issues": rows,
        "problem": problem_json(problem, editor, publication.folder),
        "through": through(publication),
        "test_addresses": list(publication.config.preview.test_addresses),
    }


def row(issue: Issue, outlook: Outlook, plan: Mapping[str, Slot], zone: ZoneInfo) -> dict[str, Any]:
    """One issue in the list: its state in a word, and when."""
    state, note = state_of(issue, outlook, plan, zone)
    return {
        "name": issue.path.name,
        "slug": issue.slug,
        "number": issue.number,
        "title": _title(issue),
        "state": state,
        "note": note,
    }


def _broken(path: Path, issue: Issue | None) -> dict[str, Any]:
    """The file that cannot be read, with the name and the place that it had when it last could."""
    return {
        "name": path.name,
        "slug": issue.slug if issue else path.stem,
        "number": issue.number if issue else None,
        "title": _title(issue) if issue else path.name,
        "state": "broken",
        "note": "",
    }


def _title(issue: Issue) -> str:
    return issue.title or issue.subject or issue.path.name


def state_of(issue: Issue, outlook: Outlook, plan: Mapping[str, Slot], zone: ZoneInfo) -> tuple[str, str]:
    """The state in a word, and a short note: when it went or goes out, or what keeps it."""
    sent = outlook.broadcast(issue.slug)
    if sent:
        return sent.state, short(sent.at, zone)
    approval = outlook.approval(issue.slug)
    if approval:
        if issue.slug in outlook.objections:
            return "changed", "changed since its approval"
        if approval.held:
            return "held", "held back"
        slot = plan.get(issue.slug)
        return "queued", short(slot.starts_at, zone) if slot else "no slot fits"
    return (issue.status.value, "") if issue.status is not Status.READY else ("ready", "not approved")


def slot_json(slot: Slot | None) -> dict[str, str] | None:
    """A slot: the instant for a countdown, and as people read it."""
    return {"starts_at": slot.starts_at.isoformat(), "text": str(slot)} if slot else None


def problem_json(problem: Problem | None, editor: str, folder: Path) -> dict[str, Any] | None:
    """A problem with the address that opens its place; paths within the publication are shown without its `folder`."""
    if problem is None:
        return None
    where = address(editor, problem.path, problem.line)
    file = problem.path.name if problem.path else ""
    message = problem.message.replace(f"{folder}/", "")
    return {"message": message, "hint": problem.hint, "file": file, "line": problem.line, "editor": where}


def through(publication: Publication) -> str:
    """Who would carry the mail, in words."""
    provider = publication.config.provider
    if provider.name == "outbox":
        return "the outbox: files on this machine"
    if provider.name == "autosend" and not secret(provider.api_key):
        return f"the simulator, until {provider.api_key} is set"
    return provider.name


def short(moment: datetime, zone: ZoneInfo) -> str:
    """`Fri 27 Nov, 09:00`, in the publication's zone."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"
