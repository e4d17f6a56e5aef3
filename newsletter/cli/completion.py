"""`newsletter completion SHELL`: what a shell needs to complete commands, options and issues on Tab."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from newsletter.cli.output import Output

_ASKED = "_NEWSLETTER_COMPLETE"  # set by the script below, when the shell asks


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish|powershell", help="Your shell.")],
) -> None:
    """Print what makes a shell complete commands, options and issues on Tab."""
    from typer._completion_shared import get_completion_script

    out: Output = context.obj
    out.command = "completion"
    script = get_completion_script(prog_name="newsletter", complete_var=_ASKED, shell=shell)
    out.result({"shell": shell, "script": script}, script.splitlines())


def is_asked() -> bool:
    """Whether a shell, and not a person, called the program."""
    return bool(os.environ.get(_ASKED))


def answer() -> int:
    """Print what the shell may offer for the line that it passed in the environment; never anything else."""
    from typer._completion_classes import completion_init

    from newsletter.cli.app import app

    completion_init()
    try:
        app(args=[], prog_name="newsletter")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def complete_issue(incomplete: str) -> list[str]:
    """The issues that an argument ISSUE can mean: `next`, `last`, and a slug for each file of the nearest publication.

    A slug is made from the file's name alone, since a shell waits for the answer; nothing is opened.
    """
    from newsletter.content.slugs import slugify, split_name

    here = Path.cwd()
    folder = next((folder for folder in (here, *here.parents) if (folder / "newsletter.toml").is_file()), None)
    files = sorted((folder / "issues").glob("*.md")) if folder else []
    words = ["next", "last", *(slugify(split_name(file.stem)[1]) for file in files)]
    return [word for word in words if word.startswith(incomplete)]
