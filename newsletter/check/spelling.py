"""The dictionary of a language, by pyspellchecker: an extra (`pip install 'newsletter[spelling]'`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.content.files import decode, read_bytes
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from spellchecker import SpellChecker

# A word of small letters, perhaps capitalised: names in CamelCase, acronyms and what holds digits are no words.
_WORD = re.compile(r"(?<![\w@./\\#-])[^\W\d_][^\W\d_A-Z]{2,}(?:['’][^\W\d_]{1,2})?(?![\w@/\\-]|\.\w)")
_HINT = "pip install 'newsletter[spelling]', or take the rule out of [check]"


def speller(language: str, words: Path) -> Callable[[str], Mapping[str, str]]:
    """A function from a text to its unknown words, each with the nearest known one ("" where there is none).

    `words` is a file with one word a line that is right here; it need not exist. Raises ConfigError where the extra is
    not installed or has no dictionary of the language.
    """
    dictionary = _dictionary(language)
    own = _own_words(words)

    def misspelt(text: str) -> dict[str, str]:
        typed = dict.fromkeys(match[0] for match in _WORD.finditer(text))
        bare = {word: _bare(word) for word in typed}
        # A capitalised word that the dictionary does not know is a name more often than a slip.
        unknown = dictionary.unknown([short for word, short in bare.items() if word[0].islower()])
        return {
            word: _nearest(dictionary, short)
            for word, short in bare.items()
            if word[0].islower() and short in unknown and short not in own and word.casefold() not in own
        }

    return misspelt


@cache
def _dictionary(language: str) -> SpellChecker:
    try:
        from spellchecker import SpellChecker  # noqa: PLC0415
    except ImportError:
        raise ConfigError("[check] word-misspelt: the dictionaries are not installed", _HINT) from None
    short = re.split("[-_]", language.lower())[0]
    try:
        return SpellChecker(language=short, distance=1)
    except ValueError:
        raise ConfigError(f'[check] word-misspelt: there is no dictionary of "{language}"', _HINT) from None


def _own_words(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    data = read_bytes(path)
    text = decode(path, data) if data.strip() else ""
    return frozenset(line.split("#")[0].strip().casefold() for line in text.splitlines())


def _bare(word: str) -> str:
    return re.sub(r"['’]s\Z", "", word).replace("’", "'").casefold()


def _nearest(dictionary: SpellChecker, word: str) -> str:
    guess = dictionary.correction(word)
    return guess if guess and guess != word else ""
