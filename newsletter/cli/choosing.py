"""Which issues a command is about, and those among them that cannot be read or rendered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from newsletter.errors import ContentError

if TYPE_CHECKING:
    from newsletter.content.issue import Issue
    from newsletter.pipeline.desk import Desk
    from newsletter.render.edition import Edition


def chosen_issues(desk: Desk, references: list[str] | None) -> tuple[list[Issue], list[ContentError]]:
    """The issues that were named, or all; and those that cannot be read, which do not stop the others."""
    if not references:
        return list(desk.folder.issues), list(desk.folder.broken)
    found: list[Issue] = []
    broken: list[ContentError] = []
    for reference in references:
        try:
            issue = _find(desk, reference)
            if issue.path.resolve() not in {known.path.resolve() for known in found}:
                found.append(issue)
        except ContentError as error:
            broken.append(error)
    if not found and len(broken) == 1:
        raise broken[0]
    return found, broken


def editions_of(desk: Desk, issues: Iterable[Issue], broken: list[ContentError]) -> Iterator[tuple[Issue, Edition]]:
    """Each issue with its edition. What its theme does wrong joins `broken`, once, and the other issues go on."""
    for issue in issues:
        try:
            edition = desk.render(issue)
        except ContentError as error:
            if error.message not in {known.message for known in broken}:
                broken.append(error)
            continue
        yield issue, edition


def _find(desk: Desk, reference: str) -> Issue:
    """A path, a slug, `next` or `last`; only the last two need the store."""
    if reference not in ("next", "last"):
        return desk.find(reference)
    from newsletter.cli.opening import store_of
    from newsletter.pipeline.selection import select_issue

    with store_of(desk.publication) as store:
        return select_issue(desk, store, reference)
