"""`newsletter preview`: the editor's desk in a browser."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import INTERRUPTED, UsageError

if TYPE_CHECKING:
    from newsletter.publication import Publication
    from newsletter.store.database import Store
    from newsletter.web.preview.workspace import Workspace


def preview(
    context: typer.Context,
    issue: str = typer.Argument("", metavar="[ISSUE]", help="A path, a slug, next or last."),
    port: int = typer.Option(8650, "--port", help="The port of 127.0.0.1; if it is taken, a free one."),
    no_open: bool = typer.Option(False, "--no-open", help="Do not open the browser."),
    read_only: bool = typer.Option(False, "--read-only", help="Show only: no action, no file is written."),
    share: Path | None = typer.Option(
        None, "--share", metavar="FILE", help="Write the issue with all its views to one HTML file, and end."
    ),
) -> None:
    """See issues as readers get them, while you write: every save shows at once. Ctrl-C ends it."""
    from newsletter.web.preview.workspace import Workspace

    out: Output = context.obj
    out.command = "preview"
    publication = publication_of(out)
    with _store(publication, read_only or share is not None) as store:
        workspace = Workspace(publication, store, lambda: datetime.now(UTC), read_only)
        name = _name_of(workspace, issue)
        if share is not None:
            _share(out, workspace, name, share)
        else:
            _serve(out, workspace, name, port, no_open)


def _serve(out: Output, workspace: Workspace, name: str, port: int, no_open: bool) -> None:
    from newsletter.web.preview.serving import page_of, running_at, serve, take_port

    publication = workspace.publication
    running = running_at(publication.state, publication.folder)
    if running:
        url = page_of(running, name)
        out.result({"url": url, "already": True}, [f"{url}  (this publication's preview runs there already)"])
        _open(url, no_open)
        return
    place = take_port(port)
    url = page_of(place.url, name)
    if port not in (0, place.port):
        out.warn(f"port {port} is taken, so it is {place.port}")
    out.result({"url": url, "already": False, "read_only": workspace.read_only}, [url])
    if not out.json:
        out.say("every save shows at once; Ctrl-C ends it")
    ended = serve(workspace, place, lambda: _open(url, no_open))
    # A service manager's SIGTERM is a good end; a person's Ctrl-C also ends the shell's line (130).
    raise typer.Exit(INTERRUPTED if ended == signal.SIGINT else 0)


def _share(out: Output, workspace: Workspace, name: str, file: Path) -> None:
    from newsletter.web.preview.answers import Answers
    from newsletter.web.preview.sharing import write_page

    if not name:
        raise UsageError("--share needs an issue", "for example: newsletter preview next --share issue.html")
    slug, page = Answers(workspace).share(name)
    write_page(file, page)
    out.result({"file": str(file), "slug": slug}, [f"{file}: {slug} with all its views"])


def _name_of(workspace: Workspace, reference: str) -> str:
    """The name of the file that is meant; it may be broken, the page shows why. Empty without a reference."""
    from newsletter.errors import ContentError
    from newsletter.pipeline.selection import select_issue

    if not reference:
        return ""
    names = workspace.names()
    try:
        name = select_issue(workspace.desk(), workspace.store, reference).path.name
    except ContentError as error:
        name = Path(error.path).name
        if name not in names:
            raise
    if name not in names:
        raise UsageError(
            f"{reference}: the preview shows the issues in {workspace.publication.issues}", "move the file there"
        )
    return name


@contextmanager
def _store(publication: Publication, read_only: bool) -> Iterator[Store]:
    """The publication's database. Where nothing may be written it is only looked at; where there is none, an empty one
    elsewhere stands in."""
    if not read_only:
        with store_of(publication) as store:
            yield store
        return
    from newsletter.store.database import open_store
    from newsletter.store.looking import open_to_look

    sys.dont_write_bytecode = True  # rules of the publication's own are Python files
    with tempfile.TemporaryDirectory(prefix="newsletter-preview-") as folder:
        looked_at = open_to_look(publication.config.storage.database_url, publication.state)
        store = looked_at or open_store("", Path(folder))
        try:
            yield store
        finally:
            store.close()


def _open(url: str, no_open: bool) -> None:
    if not no_open:
        import threading
        import webbrowser

        # Some browsers are started in the foreground: never wait for one.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
