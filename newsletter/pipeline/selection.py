"""Which issue a word on the command line means: a path, a slug, `next` or `last`."""

from __future__ import annotations

from sqlalchemy import select

from newsletter.content.issue import Issue, Status
from newsletter.delivery.states import ELSEWHERE
from newsletter.errors import UsageError
from newsletter.pipeline.desk import Desk, open_desk
from newsletter.publication import Publication
from newsletter.schedule.queue import approved
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts


def select_issue(desk: Desk, store: Store, reference: str) -> Issue:
    """The issue of a path or slug; `next` is the first in the queue, else the first ready one that was never sent;
    `last` is the one sent last. Raises UsageError or ContentError where there is none.
    """
    if reference == "next":
        return _next(desk, store)
    if reference == "last":
        with store.reading() as connection:
            query = select(broadcasts.c.slug).where(broadcasts.c.provider != ELSEWHERE)
            slug = connection.execute(query.order_by(broadcasts.c.id.desc()).limit(1)).scalar()
        if slug is None:
            raise UsageError("nothing was sent yet, so there is no last issue", "see: newsletter status")
        return desk.find(slug)
    return desk.find(reference)


def select_slug(publication: Publication, store: Store, reference: str) -> str:
    """The slug that a word on the command line means; one that is a slug already needs no file that still exists."""
    if reference in ("next", "last") or reference.lower().endswith((".md", ".markdown")):
        return select_issue(open_desk(publication), store, reference).slug
    return reference


def _next(desk: Desk, store: Store) -> Issue:
    with store.reading() as connection:
        waiting = [issue.slug for issue in approved(connection) if not issue.held]
        sent = set(connection.execute(select(broadcasts.c.slug)).scalars())
    if waiting:
        return desk.find(waiting[0])
    for issue in desk.folder.issues:
        if issue.status is Status.READY and issue.slug not in sent:
            return issue
    raise UsageError("no issue is left to be sent", 'start one with: newsletter new "A title"')
