"""What a run and its worker processes say to each other: length-prefixed marshal.

Both ends are the same interpreter, so marshal fits, and a worker need not import anything for
it: msgspec alone would triple the processor time that starting one takes.
"""

from __future__ import annotations

import marshal
import struct
from typing import Any

HEADER = struct.Struct(">I")

DONE = 0  # (DONE, value)
RAISED = 1  # (RAISED, the exception's type, its code, its text, the host it names)
OURS = 2  # (OURS, error class, text, keywords of a DriverError)


class Judged(Exception):
    """An error that a call found itself and whose class it knows, such as `checksum`."""

    def __init__(self, error_class: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.reply = (OURS, error_class, message, more)


def pack(message: Any) -> bytes:
    """Make a frame; builtin types only, no subclass of `int` or `str`."""
    body = marshal.dumps(message)
    return HEADER.pack(len(body)) + body


def unpack(received: bytearray) -> tuple[bool, Any]:
    """Take a whole frame from the front; (False, None) where it is not whole yet."""
    if len(received) < HEADER.size:
        return False, None
    end = HEADER.size + HEADER.unpack_from(received)[0]
    if len(received) < end:
        return False, None
    message = marshal.loads(memoryview(received)[HEADER.size : end])
    del received[:end]
    return True, message
