"""The pictures that lie beside an issue: read, measured, made smaller where they can be, and named by their content."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from newsletter.content.image_headers import Header, read_header
from newsletter.content.metadata import orientation, without_metadata
from newsletter.content.slugs import slugify
from newsletter.finding import Finding, Severity

RULE = "image-file"
LARGEST = 1_000_000  # bytes that a picture may have when readers get it
_LARGEST_TOGETHER = {False: 20_000_000, True: 5_000_000}  # on the web; within each mail
_LARGEST_FILE = 40_000_000  # bytes that are read at all
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
_SMALLER = 'make it smaller, or let us: pip install "newsletter[images]"'


@dataclass(frozen=True)
class Picture:
    """A picture of an edition: where the author points to (`source`), and what readers get.

    `name` is made from the file's name and its content, so that a changed picture has another address; `width` and
    `height` are what it is shown at, in CSS pixels: `data` may have twice as many.
    """

    source: str
    name: str
    kind: str
    width: int
    height: int
    data: bytes

    @property
    def content_id(self) -> str:
        """What the picture is called within a mail that carries it (RFC 2392)."""
        return f"{self.name}@images"


@dataclass(frozen=True)
class Pictures:
    """The pictures of one issue, whether the mail itself carries them, and what is wrong with others.

    `font` is a font file's content where diagrams are to be drawn with it.
    """

    pictures: tuple[Picture, ...] = ()
    embed: bool = False
    findings: tuple[Finding, ...] = ()
    font: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Wanted:
    """A relative address of an image as the author typed it, and where: line and column of the file."""

    source: str
    line: int | None = None
    column: int | None = None


def read_pictures(
    issue: Path, wanted: Iterable[Wanted], root: Path, column: int, *, embed: bool = False, file: str = ""
) -> Pictures:
    """The pictures that an issue wants, relative to its folder, from within `root`; `column` is the text's width in px.

    A file that is missing, outside of `root`, too large or no picture that mail programs show is a finding at its line
    in `file`.
    """
    found: dict[str, Picture] = {}
    findings = []
    for want in wanted:
        try:
            if want.source not in found:
                found[want.source] = _picture(want.source, issue.parent, root, column)
        except _UnusableError as error:
            message = f'the image "{want.source[-80:]}" {error}'
            findings.append(Finding(RULE, Severity.ERROR, message, file, want.line, want.column, error.fix))
    size = sum(len(picture.data) for picture in found.values())
    if size > _LARGEST_TOGETHER[embed]:
        message = (
            f"the images have {size / 1e6:.0f} MB together; {_LARGEST_TOGETHER[embed] // 1_000_000} MB is the most"
        )
        findings.append(Finding(RULE, Severity.ERROR, message, file, None, None, "leave some out or make them smaller"))
    return Pictures(tuple(found.values()), embed, tuple(findings))


def key_of(address: str) -> str:
    """The address of an image as a path: decoded, without what follows `?` or `#`."""
    return unquote(re.split(r"[?#]", address.strip(), maxsplit=1)[0])


class _UnusableError(Exception):
    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def _picture(source: str, folder: Path, root: Path, column: int) -> Picture:
    path = folder / key_of(source)
    data = _read(path, root.resolve())
    header = read_header(data)
    if header is None:
        if path.suffix.lower() in (".svg", ".avif") or data.lstrip()[:4] in (b"<svg", b"<?xm"):
            raise _UnusableError(
                f"is {path.suffix[1:].upper() or 'SVG'}, which mail programs do not show", "save it as PNG"
            )
        raise _UnusableError("is no PNG, JPEG, GIF or WebP", "save it as one of them")
    if not header.width or not header.height:
        raise _UnusableError("has no size", "save it again")
    data = without_metadata(data)
    turn = orientation(data)
    if turn > 4:  # it lies on its side
        header = Header(header.kind, header.height, header.width)
    density = 2 if path.stem.endswith("@2x") else 1
    shown = min(column, max(1, round(header.width / density)))
    if header.width > 2 * column or len(data) > LARGEST or turn > 1:
        data, header = _smaller(data, header, 2 * column, turn=turn)
        shown = min(shown, header.width)
    if len(data) > LARGEST:
        raise _UnusableError(f"has {len(data) / 1e6:.1f} MB; {LARGEST / 1e6:.0f} MB is the most", _SMALLER)
    digest = hashlib.sha256(data).hexdigest()[:10]
    name = f"{slugify(path.stem)[:60]}-{digest}.{_SUFFIXES[header.kind]}"
    height = max(1, round(header.height * shown / header.width))
    return Picture(source, name, header.kind, shown, height, data)


def _read(path: Path, root: Path) -> bytes:
    try:
        real = path.resolve(strict=True)
        inside = real.relative_to(root).parts if real.is_relative_to(root) else (".",)
        if any(part.startswith(".") for part in inside):
            link = "is a link that leads" if path.is_symlink() else "lies"
            raise _UnusableError(f"{link} outside of the publication", "copy it into a folder beside the issue")
        if not real.is_file():
            raise _UnusableError("is no file", "name a file")
        if real.stat().st_size > _LARGEST_FILE:
            raise _UnusableError(f"has {real.stat().st_size / 1e6:.0f} MB", "make it smaller")
        return real.read_bytes()
    except FileNotFoundError:
        raise _UnusableError("is not there", f"put the file at {path}, or correct its name") from None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links is a RuntimeError before Python 3.13
        reason = getattr(error, "strerror", None) or "its name cannot be a file's"
        raise _UnusableError(f"cannot be read: {reason}", "check its name and permissions") from None


@lru_cache(maxsize=8)  # a preview renders at each save
def _smaller(data: bytes, header: Header, width: int, *, turn: int = 1) -> tuple[bytes, Header]:
    """The picture upright and at most `width` pixels wide, if Pillow is there; an animation stays.

    `header` has the size of the picture as it is seen; `turn` is how it has to be turned for that.
    """
    try:
        from PIL import Image, ImageOps  # noqa: PLC0415 - an extra
    except ImportError:
        return data, header
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            if getattr(image, "is_animated", False):
                return data, header
            kind, turned = str(image.format), ImageOps.exif_transpose(image)
            turned.thumbnail((width, 20 * width), Image.Resampling.LANCZOS)
            out = io.BytesIO()
            turned.save(out, kind, **({"quality": 85} if kind in ("JPEG", "WEBP") else {"optimize": True}))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _UnusableError("cannot be decoded", "save it again") from None
    made = out.getvalue()
    better = turn > 1 or len(made) < len(data) or turned.width < header.width
    return (made, read_header(made) or header) if better else (data, header)
