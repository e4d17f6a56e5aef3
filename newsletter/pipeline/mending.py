"""Write what `check --fix` mended: only into the very file that was checked, whole or not at all."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from newsletter.check.mending import Mend, mended
from newsletter.content.files import decode, read_bytes
from newsletter.content.issue import Issue
from newsletter.errors import NewsletterError

_MARK = b"\xef\xbb\xbf"


def difference(issue: Issue, mends: Sequence[Mend]) -> list[str]:
    """The mends as a unified difference, line by line."""
    before, after = issue.text.splitlines(), mended(issue.text, mends).splitlines()
    return list(difflib.unified_diff(before, after, issue.file, f"{issue.file} (mended)", lineterm=""))


def write_mended(issue: Issue, mends: Sequence[Mend]) -> None:
    """Write the mended text in the place of the file, its line ends and byte order mark as they were.

    Raises NewsletterError where the file changed since it was read, mixes line ends, or cannot be written.
    """
    path, data = issue.path, read_bytes(issue.path)
    if decode(path, data) != issue.text:
        raise NewsletterError(f"{path}: the file changed while it was checked", "check it again")
    crlf = data.count(b"\r\n")
    if crlf not in (0, data.count(b"\n")) or data.count(b"\r") != crlf:
        raise NewsletterError(
            f"{path}: the line ends are of several kinds, nothing was mended", "save it with one kind"
        )
    text = mended(issue.text, mends)
    made = (_MARK if data.startswith(_MARK) else b"") + text.replace("\n", "\r\n" if crlf else "\n").encode()
    _replace(path.resolve(), made)


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(data)
        shutil.copymode(path, draft)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "check the folder's rights") from None
