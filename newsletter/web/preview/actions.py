"""What a page may do: each is what a command does, through the same function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from newsletter.errors import SafetyError, UsageError
from newsletter.pipeline.approval import approve, unapprove
from newsletter.schedule import queue
from newsletter.web.preview.workspace import Proof, Workspace

ACTIONS = ("test", "approve", "unapprove", "hold", "release", "up", "down", "links")


@dataclass(frozen=True)
class Done:
    """What was done, in a sentence for the page."""

    message: str

    def as_json(self) -> dict[str, Any]:
        """The answer to a page."""
        return {"ok": True, "message": self.message}


def act(workspace: Workspace, action: str, name: str, digest: str, to: list[str]) -> Done:
    """Do `action` with the issue in the file `name`, of which the page shows the edition `digest`.

    Raises SafetyError for a read-only preview, an issue that is broken now, or one that looks otherwise by now than the
    page that asks; UsageError for what does not exist.
    """
    if workspace.read_only:
        raise SafetyError("this preview is read-only", "start it without --read-only, or use the command")
    if action not in ACTIONS:
        raise UsageError(f'there is no action "{action[:40]}"')
    proof = workspace.proof(name)
    if action in ("test", "approve"):
        if proof.problem:
            raise SafetyError(f"not as it is now: {proof.problem.message}", proof.problem.hint)
        if proof.edition.digest != digest:
            raise SafetyError("the issue changed while you were looking at it", "look at it again, then repeat")
        return _test(workspace, proof, to) if action == "test" else _approve(workspace, proof)
    if action == "links":
        return _links(workspace, proof)
    message = _in_queue(workspace, action, proof.issue.slug)
    return Done(message)


def _test(workspace: Workspace, proof: Proof, to: list[str]) -> Done:
    """To the configured addresses only, whatever a page asks for."""
    from newsletter.clock import SystemClock
    from newsletter.pipeline.providers import open_provider
    from newsletter.pipeline.sending import Sending

    known = {parseaddr(entry)[1]: entry for entry in workspace.publication.config.preview.test_addresses}
    if not to:
        raise UsageError("name an address for the test")
    for address in to:
        if address not in known:
            raise SafetyError(f'"{address[:80]}" is not among the test addresses', "add it to [preview] test_addresses")
    with open_provider(workspace.publication) as opened:
        Sending(workspace.desk(), workspace.store, opened.provider, SystemClock()).test(proof.edition, to)
    notice = f" ({opened.notice})" if opened.notice else ""
    return Done(f"sent as a test to {', '.join(to)}{notice}")


def _links(workspace: Workspace, proof: Proof) -> Done:
    """Try the links that were not tried for a while, as `newsletter check` does; the next look shows what came out."""
    from newsletter.pipeline.weblinks import try_links

    inspection = workspace.desk().inspect(proof.issue, proof.edition, workspace.now())
    return Done(str(try_links(workspace.publication, inspection.addresses, workspace.now())))


def _approve(workspace: Workspace, proof: Proof) -> Done:
    """Approve what was seen; where a theme was saved in this very moment, take it back rather than send the unseen."""
    approval = approve(workspace.desk(), workspace.store, proof.issue, workspace.now())
    if approval.edition.digest != proof.edition.digest:
        unapprove(workspace.store, proof.issue.slug)
        raise SafetyError("the issue changed while it was being approved", "it is not in the queue; look at it again")
    return Done(f"approved ({approval.edition.digest[:12]}), place {approval.place} in the queue")


def _in_queue(workspace: Workspace, action: str, slug: str) -> str:
    if action == "unapprove":
        unapprove(workspace.store, slug)
        return "taken out of the queue"
    with workspace.store.transaction() as connection:
        slugs = [issue.slug for issue in queue.approved(connection)]
        place = slugs.index(slug) + 1 if slug in slugs else 0
        changes: Mapping[str, Callable[[], None]] = {
            "hold": lambda: queue.hold(connection, slug, held=True),
            "release": lambda: queue.hold(connection, slug, held=False),
            "up": lambda: queue.move(connection, slug, max(1, place - 1)),
            "down": lambda: queue.move(connection, slug, place + 1),
        }
        changes[action]()
    return {
        "hold": "held: no slot takes it until it is released",
        "release": "released",
        "up": f"moved to place {max(1, place - 1)}",
        "down": f"moved to place {min(len(slugs), place + 1)}",
    }[action]
