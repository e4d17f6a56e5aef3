"""Pictures without what a camera or an editor wrote into them: place, time, names, an earlier version of the picture.

Only what changes the look stays: the colour profile, how it is turned, and the pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# ITU-T T.81, table B.1: APP1 to APP15 and comments, but APP14, which says how colours are stored.
_DROPPED = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))
_SCAN = 0xDA
_ORIENTATION = 0x0112  # Exif 2.32, section 4.6.4
_PNG_DROPPED = frozenset((b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"))  # PNG, third edition, section 11.3
_WEBP_DROPPED = frozenset((b"EXIF", b"XMP "))  # RFC 9649, section 2.7.1.5
_WEBP_FLAGS = 0x08 | 0x04  # Exif and XMP, in the first byte of VP8X


def without_metadata(data: bytes) -> bytes:
    """A JPEG, PNG or WebP file without metadata; one that cannot be read to its end, and any other file, as it is."""
    try:
        if data.startswith(b"\xff\xd8"):
            return b"\xff\xd8" + b"".join(_jpeg(data))
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return data[:8] + b"".join(_png(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            body = b"".join(_webp(data))
            return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    except (struct.error, IndexError, ValueError):
        pass
    return data


def orientation(data: bytes) -> int:
    """How a JPEG that `without_metadata` gave is to be turned, 1 to 8 (Exif 2.32, section 4.6.4); 1 for others."""
    found = data.find(b"Exif\0\0", 0, 4096) if data.startswith(b"\xff\xd8") else -1
    try:
        return _orientation(data[found + 6 :]) if found >= 0 else 1
    except struct.error:
        return 1


def _jpeg(data: bytes) -> Iterator[bytes]:
    position = 2
    while data[position + 1] != _SCAN:
        if data[position] != 0xFF:
            raise ValueError("no marker")
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        (size,) = struct.unpack(">H", data[position + 2 : position + 4])
        segment, position = data[position : position + 2 + size], position + 2 + size
        content = segment[4:]
        if marker == 0xE1 and content.startswith(b"Exif\0\0"):
            if (turned := _orientation(content[6:])) > 1:
                yield _exif(turned)
        elif marker not in _DROPPED or content.startswith(b"ICC_PROFILE\0"):
            yield segment
    yield data[position:]


def _orientation(tiff: bytes) -> int:
    """How the picture is turned, 1 to 8, by its Exif data; 1 where that says nothing."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    (start,) = struct.unpack(f"{order}I", tiff[4:8])
    (count,) = struct.unpack(f"{order}H", tiff[start : start + 2])
    for number in range(count):
        entry = tiff[start + 2 + 12 * number : start + 14 + 12 * number]
        tag, _, _, value = struct.unpack(f"{order}HHIH", entry[:10])
        if tag == _ORIENTATION:
            return int(value) if 1 <= value <= 8 else 1
    return 1


def _exif(orientation: int) -> bytes:
    """An Exif segment that says how the picture is turned, and nothing else."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
    content = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def _png(data: bytes) -> Iterator[bytes]:
    position, kind = 8, b""
    while kind != b"IEND":  # what follows is no picture: some editors leave the uncropped one there
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        chunk, position = data[position : position + 12 + size], position + 12 + size
        if len(chunk) < 12 + size:
            raise ValueError("cut short")
        if kind not in _PNG_DROPPED:
            yield chunk


def _webp(data: bytes) -> Iterator[bytes]:
    position, end = 12, 8 + struct.unpack("<I", data[4:8])[0]
    if end > len(data):
        raise ValueError("cut short")
    while position < end:
        kind, size = struct.unpack("<4sI", data[position : position + 8])
        chunk, position = data[position : position + 8 + size + size % 2], position + 8 + size + size % 2
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_FLAGS]) + chunk[9:]
        if kind not in _WEBP_DROPPED:
            yield chunk
