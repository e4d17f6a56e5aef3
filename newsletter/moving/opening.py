"""Which program an export is of, and its source opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from newsletter.errors import UsageError
from newsletter.moving import sites
from newsletter.moving.beehiiv import Beehiiv
from newsletter.moving.buttondown import Buttondown
from newsletter.moving.ghost import Ghost
from newsletter.moving.post import Source
from newsletter.moving.substack import Substack
from newsletter.moving.tree import Tree, open_tree

# In the order in which they are asked: the surest signs first.
_OPENERS: Mapping[str, Callable[[Tree], Source | None]] = {
    "substack": lambda tree: Substack(tree) if Substack.fits(tree) else None,
    "buttondown": lambda tree: Buttondown(tree) if Buttondown.fits(tree) else None,
    "beehiiv": lambda tree: Beehiiv(tree) if Beehiiv.fits(tree) else None,
    "pelican": sites.pelican,
    "jekyll": sites.jekyll,
    "hugo": sites.hugo,
    "ghost": lambda tree: Ghost(tree) if Ghost.fits(tree) else None,
    "markdown": sites.folder,
}
PROGRAMS = tuple(_OPENERS)


def open_source(path: Path, program: str = "") -> Source:
    """The export at `path`, of `program` or of the first whose signs it bears.

    Raises UsageError where it is none that we know, NewsletterError where it cannot be read.
    """
    if program and program not in _OPENERS:
        raise UsageError(f'--from: there is no "{program}"', f"one of {', '.join(PROGRAMS)}")
    tree = open_tree(path)
    for name in [program] if program else PROGRAMS:
        source = _OPENERS[name](tree)
        if source is not None:
            return source
    what = f"no export of {program}" if program else "no export that is known"
    raise UsageError(f"{path}: {what}", f"name the ZIP, folder, CSV or JSON itself; known are {', '.join(PROGRAMS)}")
