"""`newsletter serve` and `newsletter archive`: the pages for readers."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newsletter.cli.arguments import example
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import INTERRUPTED

if TYPE_CHECKING:
    from newsletter.publication import Publication
    from newsletter.store.database import Store

archive = typer.Typer(help="The archive of the issues that were sent.")


def serve(
    context: typer.Context,
    host: str = typer.Option("127.0.0.1", "--host", metavar="H", help="The address to listen on."),
    port: int = typer.Option(8651, "--port", metavar="P", help="The port; 0 takes a free one."),
) -> None:
    """Serve the pages for readers: sign-up, unsubscribe, archive, feeds; and take the provider's webhooks.

    Put a web server with TLS before it that passes base_url on. Ctrl-C or SIGTERM ends it.
    """
    from newsletter.pipeline.providers import open_provider
    from newsletter.web.public import serving

    out: Output = context.obj
    out.command = "serve"
    publication = publication_of(out)
    with store_of(publication) as store, open_provider(publication) as opened:
        if opened.notice:
            out.warn(opened.notice)
        doors = serving.open_doors(publication, store, opened.provider, lambda: datetime.now(UTC), out.say)
        with doors as (house, _):
            listener = serving.listen(host, port)
            shown = f"[{host}]" if ":" in host else host
            url = f"http://{shown}:{listener.getsockname()[1]}{house.root}/"
            taken = bool(house.secret or house.anymail)
            if not taken:
                out.warn(f"webhooks are not taken: {publication.config.public.webhook_secret} is not set")
            out.result({"url": url, "base_url": house.site.base_url, "webhooks": taken}, [url])
            api = _api(publication, store, out)
            ended = serving.serve(house, listener, out.say, publication.config.public.proxies, api=api)
    raise typer.Exit(INTERRUPTED if ended == signal.SIGINT else 0)


def _api(publication: Publication, store: Store, out: Output) -> object:
    """The HTTP API, where a key for it is set."""
    from newsletter.config import revealed
    from newsletter.library import Newsletter
    from newsletter.web.api.app import Api, Keys

    keys = Keys(revealed(publication.config.api.key), revealed(publication.config.api.read_key))
    if not keys.write and not keys.read:
        return None
    return Api(Newsletter(publication, store), keys, out.say).application()


@archive.command("build", epilog=example("archive"))
def build_archive(
    context: typer.Context,
    target: Path = typer.Option(..., "-o", metavar="DIR", help="The folder to write into."),
) -> None:
    """Write the archive as static files: pages, tags, feeds, sitemap, 404."""
    from newsletter.web.public.house import open_house
    from newsletter.web.public.static import build

    out: Output = context.obj
    out.command = "archive build"
    publication = publication_of(out)
    with store_of(publication) as store:
        files = build(open_house(publication, store, lambda: datetime.now(UTC)), target)
    out.result({"folder": str(target), "files": [str(file) for file in files]}, [f"{target}: {len(files)} files"])
