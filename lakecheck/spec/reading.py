"""One spec file → nodes, or a sentence why not."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from lakecheck.spec.composer import Unreadable, compose
from lakecheck.spec.nodes import Faults, Node, Place, describe
from lakecheck.units import show_size

LARGEST_FILE = 4_000_000  # bytes; a lake of 1000 RSEs takes a tenth of it
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FIRST_LINE = '"lakecheck: 1"'


def read(path: Path, shown: str, faults: Faults) -> Node | None:
    """Give the map at the top of a file; None after noting the faults."""
    try:
        content = _bytes(path)
        text = _text(content, shown, faults)
        root = compose(text, shown, faults)
    except _Refused as error:
        faults.add(Place(shown), "", str(error))
        return None
    except Unreadable:
        return None
    if root is None or (root.kind == "scalar" and root.value is None):
        faults.add(Place(shown), "", f"the file is empty; a spec begins with {FIRST_LINE}")
        return None
    if root.kind != "map":
        message = f"expected a map of sections at the top, found {describe(root)}"
        faults.add(root.place, "", message)
        return None
    return root


class _Refused(Exception):
    """The file is not one to read."""


def _bytes(path: Path) -> bytes:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _Refused("it is not a file that can be read as a spec")
        if status.st_size > LARGEST_FILE:
            raise _Refused(
                f"the file has {show_size(status.st_size)}; "
                f"a spec file may have {show_size(LARGEST_FILE)}"
            )
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _Refused(f"the file cannot be read: {reason}") from error


def _text(content: bytes, shown: str, faults: Faults) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
    if b"\0" in content:
        raise _Refused("this is not a text file: it holds NUL bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        wrong = content[error.start]
        message = f"this is not UTF-8 text: byte 0x{wrong:02x}; save the file as UTF-8"
        faults.add(Place(shown, line, column), "", message)
        raise Unreadable(message) from error
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        line = text.count("\n", 0, forbidden.start()) + 1
        column = forbidden.start() - text.rfind("\n", 0, forbidden.start())
        message = f"the character U+{ord(forbidden[0]):04X}, which YAML forbids"
        faults.add(Place(shown, line, column), "", message)
        raise Unreadable(message)
    return text
