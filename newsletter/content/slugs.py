"""The name of an issue in addresses, folders and tables."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 80
VALID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# A number in front of a name is the number; a date is part of the name, since weeklies differ by nothing else.
_NUMBERED = re.compile(r"(?!\d{4}-\d\d-\d\d)(\d{1,6})[-_. ](?=.*[^\W\d_])")

# Letters that Unicode does not take apart into an ASCII letter and a mark.
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"})


def is_slug(text: str) -> bool:
    """Whether `text` can stand in an address and name a folder as it is."""
    return len(text) <= LONGEST and VALID.fullmatch(text) is not None


def slugify(name: str) -> str:
    """A slug for any name: `Über uns, Teil 2` -> `uber-uns-teil-2`; never empty, never the same for two scripts.

    Where letters or digits have no ASCII form (日本語, हिन्दी, فارسی), or the name is too long, eight hexadecimal digits
    of its SHA-256 stand for what is lost, so that two such names stay apart.
    """
    name = unicodedata.normalize("NFC", name).strip()
    spread = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS)).casefold()
    lost = any(char.isalnum() and not char.isascii() for char in spread)
    slug = "-".join(re.findall(r"[a-z0-9]+", re.sub(r"['’\u0300-\u036f]", "", spread)))
    if slug and not lost and len(slug) <= LONGEST:
        return slug
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug[: LONGEST - 9].rstrip('-') or 'issue'}-{digest}"


def split_name(stem: str) -> tuple[int | None, str]:
    """A file's name without ending as (number of the issue, words of its slug): `012-tokens` -> (12, "tokens")."""
    numbered = _NUMBERED.match(stem)
    return (int(numbered[1]), stem[numbered.end() :]) if numbered else (None, stem)
