"""One issue as a page asks for it: what is wrong with it, what it is made of, what will happen to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from newsletter.check.known import Outcome
from newsletter.check.support import Support
from newsletter.content.issue import Issue, Status
from newsletter.finding import Finding, Severity
from newsletter.pipeline.approval import wall_text
from newsletter.publication import Publication
from newsletter.render.edition import Edition
from newsletter.render.language import direction
from newsletter.render.site import Site
from newsletter.schedule.queue import Approved, obstacle
from newsletter.schedule.slots import Slot
from newsletter.web.preview import anatomy
from newsletter.web.preview.board import problem_json, short, slot_json, state_of, through
from newsletter.web.preview.clients import support_of
from newsletter.web.preview.editor import address
from newsletter.web.preview.outcome import Outlook
from newsletter.web.preview.workspace import Proof

_FINDINGS = 300


@dataclass(frozen=True)
class Facts:
    """What is known around a proof. `reading` is its edition as the chosen reader gets it, `obstacles` are the findings
    that keep it from being approved."""

    publication: Publication
    site: Site
    outlook: Outlook
    findings: tuple[Finding, ...]
    obstacles: tuple[Finding, ...]
    outcomes: Mapping[str, Outcome]
    support: Support | None
    reading: Edition
    readers: tuple[int, int]
    now: datetime
    editor: str
    read_only: bool


def sheet(proof: Proof, facts: Facts) -> dict[str, Any]:
    """All that stands beside the email."""
    issue, edition = proof.issue, proof.edition
    tree = anatomy.parse(edition.html)
    state, note = state_of(issue, facts.outlook, facts.outlook.plan, facts.publication.config.schedule.zone)
    return {
        "name": proof.name,
        "slug": issue.slug,
        "file": issue.file,
        "open": address(facts.editor, issue.path, issue.body_line),
        "title": issue.title or issue.subject or proof.name,
        "status": issue.status.value,
        "state": "broken" if proof.problem else state,
        "note": note,
        "digest": edition.digest,
        "language": edition.language,
        "direction": direction(edition.language),
        "problem": problem_json(proof.problem, facts.editor, facts.publication.folder),
        "inbox": _inbox(facts.reading),
        "variables": sorted(set(edition.variables.values())),
        "findings": _findings(issue, facts),
        "size": anatomy.size_of(edition.html, tree),
        "links": anatomy.links_of(tree, facts.site, facts.outcomes),
        "images": anatomy.images_of(tree),
        "outline": anatomy.outline_of(tree),
        "order": anatomy.order_of(tree),
        "clients": support_of(tree, facts.support),
        "outcome": outcome(proof, facts),
        "actions": actions(proof, facts),
    }


def _inbox(reading: Edition) -> dict[str, str]:
    name, mailbox = parseaddr(reading.sender)
    return {
        "sender": name or mailbox,
        "address": mailbox,
        "subject": reading.subject,
        "preheader": reading.preheader,
    }


def _findings(issue: Issue, facts: Facts) -> list[dict[str, Any]]:
    """Each finding with what to look for in the email, and the address that opens its place in the editor."""
    source = [""] * (issue.body_line - 1) + issue.body.split("\n")
    keys = {line: key for key, line in issue.key_lines.items()}
    found = []
    for finding in facts.findings[:_FINDINGS]:
        own = finding.file in ("", issue.file)
        key = keys.get(finding.line or 0, "") if own else ""
        words = _seek(issue, key, source, finding)
        path = issue.path if own else facts.publication.folder / finding.file
        opens = address(facts.editor, path, finding.line, finding.column)
        found.append(finding.as_json() | {"place": finding.place, "seek": words, "open": opens})
    return found


def _seek(issue: Issue, key: str, source: list[str], finding: Finding) -> dict[str, str]:
    if key in ("title", "subject", "subtitle"):
        return {"text": str(getattr(issue, key)), "target": ""}
    line = issue.counted(finding.file or issue.file, finding.line) if finding.line else None
    return anatomy.seek(source, line, finding.column)


def outcome(proof: Proof, facts: Facts) -> dict[str, Any]:
    """When the issue goes out, to how many, from whom, after which others, and until when it can be changed."""
    issue, outlook, config = proof.issue, facts.outlook, facts.publication.config
    sent, approval = outlook.broadcast(issue.slug), outlook.approval(issue.slug)
    refused = issue.slug in outlook.objections
    slot = outlook.plan.get(issue.slug) if approval and not refused else _slot_if_approved(issue, outlook, facts.now)
    readers, skipped = facts.readers
    ahead = [] if sent else _ahead(issue, outlook)
    data: dict[str, Any] = {
        "sentence": _sentence(proof, facts),
        "slot": None if sent else slot_json(slot),
        "readers": readers,
        "skipped": skipped,
        "segment": issue.segment,
        "sender": proof.edition.sender,
        "reply_to": proof.edition.reply_to,
        "through": through(facts.publication),
        "ahead": ahead,
        "place": len(ahead) + 1 if approval and not sent else None,
        "approved": _approval_json(approval, proof, facts),
        "sent": {"state": sent.state, "at": short(sent.at, config.schedule.zone)} if sent else None,
        "changeable": "" if sent else _changeable(approval, slot, outlook.approve_by),
        "last_sent": outlook.sent[0].slug if outlook.sent else None,
        "batches": -(-readers // config.delivery.batch_size),
        "seconds": max(0, round((readers / config.delivery.batch_size - 1) / config.delivery.requests_per_second)),
    }
    return data


def _sentence(proof: Proof, facts: Facts) -> str:
    issue, outlook = proof.issue, facts.outlook
    sent, approval = outlook.broadcast(issue.slug), outlook.approval(issue.slug)
    if sent:
        return {"sent": "It went out.", "paused": "It is partly sent and paused."}.get(
            sent.state, f"Its broadcast is {sent.state}."
        )
    if approval is None or issue.slug in outlook.objections:
        return _unapproved(issue, facts, changed=approval is not None)
    if approval.held:
        return "It is held: no slot takes it until it is released."
    slot = outlook.plan.get(issue.slug)
    if slot is None:
        why = obstacle(approval, outlook.slot, outlook.approve_by)
        return f"It is approved, but no coming slot takes it{': ' + why if why else ''}."
    passed = outlook.slot if slot != outlook.slot else None
    why = obstacle(approval, passed, outlook.approve_by) if passed else ""
    missed = f" It misses the next slot: {why}." if why.startswith("it was approved") else ""
    return f"It is approved and goes out by itself:{missed}"


def _unapproved(issue: Issue, facts: Facts, *, changed: bool) -> str:
    """What stands between an issue and its slot, and what becomes of it once it is approved (again)."""
    fits = " then:" if _slot_if_approved(issue, facts.outlook, facts.now) else " in no slot of the coming year."
    if issue.status is Status.READY and not facts.publication.config.schedule.require_approval:
        start = "It changed since its approval." if changed else "It is not approved."
        return f"{start} The scheduler approves what is ready by itself, unless an error is found: it goes out{fits}"
    if changed:
        return f"It changed since its approval and will be passed over. If you approve it again now, it goes out{fits}"
    return f"It is not approved. If you approve it now, it goes out{fits}"


def _ahead(issue: Issue, outlook: Outlook) -> list[str]:
    slugs = [waiting.slug for waiting in outlook.waiting]
    return slugs[: slugs.index(issue.slug)] if issue.slug in slugs else slugs


def _slot_if_approved(issue: Issue, outlook: Outlook, now: datetime) -> Slot | None:
    wished = Approved(
        issue.slug, "", issue.source_digest, 0, False, issue.segment, wall_text(issue.slot),
        wall_text(issue.date)[:10], now, "", issue.number,
    )  # fmt: skip
    return outlook.if_approved(wished)


def _approval_json(approval: Approved | None, proof: Proof, facts: Facts) -> dict[str, Any] | None:
    if approval is None:
        return None
    return {
        "digest": approval.digest,
        "by": approval.approved_by,
        "at": short(approval.approved_at, facts.publication.config.schedule.zone),
        "same": approval.digest == proof.edition.digest,
        "held": approval.held,
    }


def _changeable(approval: Approved | None, slot: Slot | None, approve_by: timedelta | None) -> str:
    if approval is None:
        return "as long as you like: nothing goes out without approval"
    if slot is None:
        return "until a slot takes it"
    if approve_by is None:
        return "until its slot opens; a change needs a new approval"
    until = (slot.starts_at - approve_by).astimezone(slot.local.tzinfo)
    return f"until {until:%A %Y-%m-%d %H:%M}: a change needs a new approval by then, or it misses its slot"


def actions(proof: Proof, facts: Facts) -> list[dict[str, Any]]:
    """What can be done with the issue: each with the same as a command, and why it cannot be done now.

    `fits` says whether it is worth a button; what only makes sense in the queue is none before approval.
    """
    slug, outlook = proof.issue.slug, facts.outlook
    approval, sent = outlook.approval(slug), outlook.broadcast(slug)
    waiting = [issue.slug for issue in outlook.waiting]
    place = waiting.index(slug) + 1 if approval else 0
    test = list(facts.publication.config.preview.test_addresses)
    not_queued = "" if approval else "it is not in the queue"
    broken = "its file cannot be read as it is" if proof.problem else ""
    no_tests = "" if test else "newsletter.toml names no [preview] test_addresses"
    addresses = " ".join(f"--test {parseaddr(entry)[1]}" for entry in test) or "--test ADDR"
    flip = "release" if approval and approval.held else "hold"
    first = not_queued or ("it is first" if place == 1 else "")
    last = not_queued or ("it is last" if place == len(waiting) else "")
    move = f"newsletter queue move {slug}"
    approving = _no_approval(proof, facts) or broken
    rows: Sequence[tuple[str, str, str, str]] = (
        ("test", "Send a test…", f"newsletter send {slug} {addresses}", broken or no_tests),
        ("approve", _approve_label(proof, approval), f"newsletter approve {slug}", approving),
        (flip, "Release" if flip == "release" else "Hold", f"newsletter queue {flip} {slug}", not_queued),
        ("up", "Earlier", f"{move} {max(1, place - 1)}", first),
        ("down", "Later", f"{move} {place + 1}", last),
        ("links", "Try the links", f"newsletter check {slug}", broken),
        ("unapprove", "Take out of the queue", f"newsletter unapprove {slug}", not_queued),
    )  # fmt: skip
    why = "this preview is read-only" if facts.read_only else ""
    gone = "it has its broadcast already" if sent else ""
    return [
        {
            "id": name,
            "label": label,
            "cli": cli,
            "blocked": why or ("" if name in ("test", "links") else gone) or blocked,
            "fits": name in ("test", "approve") or (bool(approval) and name != "links"),
        }
        for name, label, cli, blocked in rows
    ]


def _approve_label(proof: Proof, approval: Approved | None) -> str:
    if approval is None:
        return "Approve"
    return "Approved" if approval.digest == proof.edition.digest else "Approve again"


def _no_approval(proof: Proof, facts: Facts) -> str:
    approval = facts.outlook.approval(proof.issue.slug)
    if approval and approval.digest == proof.edition.digest and approval.source_digest == proof.issue.source_digest:
        return "it is approved as it is"
    if errors := len(facts.obstacles):
        return f"{errors} error{'s' if errors > 1 else ''} to mend first"
    return "" if proof.issue.status is Status.READY else f"its status is {proof.issue.status.value}"


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings of each severity."""
    return {level.value: sum(finding.severity is level for finding in findings) for level in Severity}
