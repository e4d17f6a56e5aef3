"""The numbers, as pages of the preview: what `newsletter stats --html` writes, counted anew at each visit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from newsletter.pipeline import numbers
from newsletter.stats.page import POLICY, issue_page, overview_page
from newsletter.web.preview.workspace import Workspace

_HOME = "/numbers"
_LAST = 52  # broadcasts: half a year
_HEADERS = {"content-security-policy": f"{POLICY}; frame-ancestors 'none'"}


def routes(workspace: Workspace) -> list[Route]:
    """The page of the publication, and one for each issue that was sent."""

    def overview() -> str:
        publication = workspace.publication
        figures = numbers.publication_numbers(publication, workspace.store, datetime.now(UTC), _LAST)
        return overview_page(figures, publication.config.schedule.zone, lambda slug: f"{_HOME}/{quote(slug)}", "/")

    def issue(slug: str) -> str:
        publication = workspace.publication
        figures = numbers.issue_numbers(publication, workspace.store, slug, datetime.now(UTC))
        picture = numbers.issue_picture(publication, workspace.store, figures)
        return issue_page(figures, publication.config.schedule.zone, picture, _HOME)

    async def all_numbers(_: Request) -> Response:
        return await _page(overview)

    async def one(request: Request) -> Response:
        return await _page(lambda: issue(request.path_params["slug"]))

    return [Route(_HOME, all_numbers), Route(f"{_HOME}/{{slug}}", one)]


async def _page(make: Callable[[], str]) -> Response:
    return HTMLResponse(await run_in_threadpool(make), headers=_HEADERS)
