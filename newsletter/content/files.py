"""From a file to its text: size, encoding, byte order mark and line ends, with errors that name the place."""

from __future__ import annotations

import stat
from pathlib import Path

from newsletter.errors import ContentError

TOO_LARGE = 5_000_000  # bytes; a long newsletter has 400 KB, so this is something else under the wrong name
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MARK = b"\xef\xbb\xbf"  # the byte order mark that some editors write before UTF-8


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file below 5 MB that lies, links followed, in the folder it is found in.

    Raises ContentError for everything else: missing, a folder, a link that leads nowhere or out of its folder.
    """
    try:
        real = path.resolve(strict=True)
        if path.is_symlink() and not real.is_relative_to(path.parent.resolve()):
            raise ContentError(path, None, "is a link that leads out of its folder", "copy the file here instead")
        status = real.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ContentError(path, None, "is a folder, not a file", "expected a text file")
        if not stat.S_ISREG(status.st_mode):
            raise ContentError(path, None, "is not a regular file", "expected a text file")
        with real.open("rb") as file:
            return file.read(TOO_LARGE)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ContentError(path, None, "is a link to a file that does not exist", "mend or delete it") from None
        raise ContentError(path, None, "there is no such file", "see which there are: newsletter check") from None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links is a RuntimeError before Python 3.13
        reason = getattr(error, "strerror", None) or str(error)
        raise ContentError(path, None, f"cannot be read: {reason}", "check its permissions") from None


def decode(path: Path, data: bytes) -> str:
    """`data` as text with `\\n` line ends and without byte order mark.

    Raises ContentError for 5 MB and more, for bytes that are no UTF-8 (never guesses), for NUL, and for no text at all.
    """
    if len(data) >= TOO_LARGE:
        raise ContentError(path, None, "the file is too large (5 MB or more)", "an issue is text; link to large things")
    if data.startswith(_UTF16):
        raise ContentError(path, 1, "the file is UTF-16, expected UTF-8", "save the file as UTF-8")
    data = data.removeprefix(_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = data.rfind(b"\n", 0, error.start) + 1
        where = f"byte 0x{data[error.start]:02X} at position {error.start - line_start + 1} of the line"
        line = data.count(b"\n", 0, error.start) + 1
        raise ContentError(path, line, f"the file is not UTF-8: {where}", "save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ContentError(path, line, "holds a NUL byte, which no text has", "save the file as plain UTF-8 text")
    if not text.strip():
        raise ContentError(path, None, "the file is empty", "write something, or delete it")
    return text
