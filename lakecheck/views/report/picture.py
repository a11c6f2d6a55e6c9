"""A link matrix too large for a table: an image of one pixel a link, with its figures packed."""

from __future__ import annotations

import base64
import math
import string
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from lakecheck.views import words
from lakecheck.views.outcome import Outcome

_NONE = "none"
_COLOURS = {  # each differs in lightness too, and reads on white and on black
    _NONE: (128, 134, 143),
    "passed": (94, 179, 148),
    "failed": (184, 62, 0),
    "error": (123, 50, 148),
    "blocked": (240, 180, 60),
    "skipped": (176, 182, 190),
    "not_run": (86, 156, 214),
}
_LETTERS = {_NONE: " ", **{status: status[0] for status in words.STATUSES}}  # all differ
_DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_LEVELS = 4095
_LOWEST, _DECADES = 1e-4, 16.0  # the range of what is packed, in s or B/s


class Picture(Struct, frozen=True):
    """The image as a `data:` address, and rows of letters with what each link measured."""

    image: str
    letters: tuple[str, ...]
    rates: tuple[str, ...]  # two digits of base 64 a link, logarithmic
    times: tuple[str, ...]


def picture(
    links: Mapping[tuple[str, str], Sequence[Outcome]],
    sources: Sequence[str],
    destinations: Sequence[str],
) -> Picture:
    """Draw the matrix, one pixel a link."""
    numbers = {status: number for number, status in enumerate(_COLOURS)}
    pixels, letters, rates, times = [], [], [], []
    for source in sources:
        found = [links.get((source, destination), ()) for destination in destinations]
        states = [words.worst(o.status for o in one) if one else _NONE for one in found]
        pixels.append(bytes(numbers[state] for state in states))
        letters.append("".join(_LETTERS[state] for state in states))
        rates.append("".join(pack(one[0].throughput if one else None) for one in found))
        times.append("".join(pack(one[0].duration if one else None) for one in found))
    image = base64.b64encode(_png(pixels, len(destinations), _COLOURS.values())).decode()
    return Picture(f"data:image/png;base64,{image}", tuple(letters), tuple(rates), tuple(times))


def pack(value: float | None) -> str:
    """Pack a positive number into two letters, within 1 %; `AA` where there is none."""
    if value is None or value <= 0:
        return "AA"
    level = 1 + round(math.log10(value / _LOWEST) / _DECADES * (_LEVELS - 1))
    level = min(max(level, 1), _LEVELS)
    return _DIGITS[level // 64] + _DIGITS[level % 64]


def _png(rows: Iterable[bytes], width: int, colours: Iterable[tuple[int, int, int]]) -> bytes:
    """Write an indexed PNG (RFC 2083: chunks of length, type, content, CRC)."""
    lines = [b"\0" + row for row in rows]
    header = struct.pack(">IIBBBBB", width, len(lines), 8, 3, 0, 0, 0)
    palette = b"".join(bytes(colour) for colour in colours)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(b"".join(lines), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
