"""The files of an export: a folder, a ZIP archive, or one file alone."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from newsletter.errors import NewsletterError, UsageError

LARGEST = 100_000_000  # bytes of one file; more in a ZIP is a bomb or a film
_MOST = 100_000  # files
_HIDDEN = frozenset({".git", "node_modules", "__MACOSX", "public", "_site", "output"})


@dataclass(frozen=True)
class Tree:
    """Names (relative, with `/`) of the files, in order, and their bytes on demand."""

    path: Path
    names: tuple[str, ...]
    _archive: Mapping[str, str] | None = field(default=None, repr=False)  # name -> name in the ZIP

    def read(self, name: str) -> bytes:
        """The bytes of a file; NewsletterError where it cannot be read."""
        try:
            if self._archive is not None:
                with zipfile.ZipFile(self.path) as archive:
                    return _unpacked(archive, self._archive[name])
            file = self.path if self.path.is_file() else self.path / name
            return file.read_bytes()
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise NewsletterError(f"{self.path}: {name} cannot be read: {reason}", "make the export anew") from None

    def text(self, name: str) -> str:
        """A file as text: UTF-8, with or without byte order mark, `\\n` line ends."""
        try:
            return self.read(name).decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise NewsletterError(f"{self.path}: {name} is not UTF-8", "save it as UTF-8") from None

    def ending(self, *suffixes: str) -> Iterator[str]:
        """The names that end so."""
        return (name for name in self.names if name.lower().endswith(suffixes))

    def below(self, folder: str) -> Iterator[str]:
        """The names in a folder and all folders in it."""
        return (name for name in self.names if name.startswith(f"{folder}/"))


def open_tree(path: Path) -> Tree:
    """The files at `path`; links out of a folder and names that lead out of a ZIP are passed over.

    Raises UsageError where there is nothing, NewsletterError where it cannot be read.
    """
    if not path.exists():
        raise UsageError(
            f"{path}: there is no such file or folder", "name the export: a ZIP, a folder, a CSV or a JSON"
        )
    try:
        if path.is_dir():
            return Tree(path, tuple(sorted(_files(path))))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _zipped(path, archive)
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NewsletterError(f"{path}: cannot be read: {reason}", "make the export anew") from None
    return Tree(path, (path.name,))


def _files(folder: Path) -> Iterator[str]:
    root, count = folder.resolve(), 0
    for file in folder.rglob("*"):
        inner = file.relative_to(folder)
        if _HIDDEN & set(inner.parts[:-1]) or not file.is_file() or not file.resolve().is_relative_to(root):
            continue
        count += 1
        if count > _MOST:
            raise NewsletterError(f"{folder}: more than {_MOST:,} files", "name the folder of the posts themselves")
        yield inner.as_posix()


def _zipped(path: Path, archive: zipfile.ZipFile) -> Tree:
    """A ZIP's files; a single folder that holds all of them is left out of the names."""
    inside = [info.filename for info in archive.infolist() if not info.is_dir()][:_MOST]
    safe = [name for name in inside if _is_inner(name) and not _HIDDEN & set(PurePosixPath(name).parts[:-1])]
    tops = {PurePosixPath(name).parts[0] for name in safe}
    wrapped = len(tops) == 1 and all("/" in name for name in safe)
    # Buttondown's and Jekyll's folders have meanings of their own, also when they stand alone.
    cut = len(next(iter(tops))) + 1 if wrapped and not tops & {"emails", "posts", "_posts", "content"} else 0
    names = {name[cut:]: name for name in sorted(safe)}
    return Tree(path, tuple(names), names)


def _is_inner(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise zipfile.BadZipFile(f"it has more than {LARGEST // 1_000_000} MB")
    return data
