"""What the first bytes of an image file say: its kind and size, of the four formats that mail programs show."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Header(NamedTuple):
    """An image's media type and its size in pixels."""

    kind: str
    width: int
    height: int


def read_header(data: bytes) -> Header | None:
    """The header of a PNG, JPEG, GIF or WebP file; None for anything else, and for one that is cut short."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return Header("image/png", *struct.unpack(">II", data[16:24]))  # PNG, section 11.2.2
        if data.startswith((b"GIF87a", b"GIF89a")):
            return Header("image/gif", *struct.unpack("<HH", data[6:10]))
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        pass
    return None


def _jpeg(data: bytes) -> Header | None:
    """ITU-T T.81, B.1.1: segments until a start of frame, which holds height and width."""
    position = 2
    while position < len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return Header("image/jpeg", width, height)
        position += 2 + struct.unpack(">H", data[position + 2 : position + 4])[0]
    return None


def _webp(data: bytes) -> Header | None:
    """RFC 9649, sections 2.5 to 2.7."""
    form = data[12:16]
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return Header("image/webp", width & 0x3FFF, height & 0x3FFF)
    if form == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return Header("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8X":
        return Header(
            "image/webp", int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        )
    return None
