"""`newsletter new-theme`: a theme of one's own."""

from __future__ import annotations

import typer

from newsletter.cli.opening import publication_of
from newsletter.cli.output import Output


def new_theme(
    context: typer.Context,
    name: str = typer.Argument(metavar="NAME", help="What the theme is called; it goes to templates/NAME."),
    source: str = typer.Option("default", "--from", metavar="THEME", help="The theme to copy."),
) -> None:
    """Copy a theme into templates/NAME, to change it there."""
    from newsletter.pipeline.starting import start_theme

    out: Output = context.obj
    out.command = "new-theme"
    folder, files = start_theme(publication_of(out), name, source)
    out.result(
        {"folder": str(folder), "files": files},
        [
            f"copied the theme {source} to {folder}: {', '.join(files)}",
            f'use it:  [theme] name = "{name}"  in newsletter.toml',
            "delete from it what you do not change: that is then taken from the default theme",
        ],
    )
