"""The words of the public pages, in the publication's language.

All of them pass through one function, `_(text, **values)`, in templates as in Python: a catalogue of translations needs
to be put in here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

Words = Callable[..., str]


def words_of(language: str) -> Words:  # noqa: ARG001 - until there are catalogues
    """A function from an English text, with its `%(name)s` as keywords, to the text in `language`."""
    return lambda text, **values: text % values if values else text
