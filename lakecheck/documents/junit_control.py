"""Control characters, such as those of colours, which XML cannot hold and some tools write."""

from __future__ import annotations

import os
import re
from typing import IO

_BLOCK = 2**20
_RAW = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NAMES = {0: "NUL", 7: "BEL", 8: "BS", 11: "VT", 12: "FF", 27: "ESC"}
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, of which every second byte may be such


def cure(file: IO[bytes], wrong: int) -> str:
    """Name the control character in the line that is wrong, and the way out; "" if it has none."""
    line, offset = 1, 0
    while block := os.pread(file.fileno(), _BLOCK, offset):
        if not offset and (block.startswith(_WIDE) or b"\0" in block[:4]):
            return ""
        if found := _RAW.search(block):
            line += block.count(b"\n", 0, found.start())
            return _told(found[0][0], line) if line == wrong else ""
        line += block.count(b"\n")
        offset += len(block)
    return ""


def _told(code: int, line: int) -> str:
    name = f"{_NAMES[code]} (U+{code:04X})" if code in _NAMES else f"U+{code:04X}"
    return (
        f"line {line} holds the control character {name}, which XML cannot hold; let the tests "
        r"print no colours (pytest --color=no), or remove it: "
        r"tr -d '\000-\010\013\014\016-\037' < FILE > CLEAN"
    )
