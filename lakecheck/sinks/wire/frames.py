"""Frames of STOMP 1.2 and 1.1 (stomp.github.io): written, and read from a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

LONGEST_HEAD = 64 * 2**10  # bytes; more is no frame, or an attack
LARGEST_BODY = 64 * 2**20  # bytes
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\c"}
_ESCAPE = str.maketrans(_ESCAPES)
_PLAIN = ("CONNECT", "CONNECTED")  # their headers are not escaped, for the sake of STOMP 1.0
COMMANDS = ("CONNECTED", "MESSAGE", "RECEIPT", "ERROR")  # of a server


class NoFrame(ValueError):
    """What comes in is not STOMP."""


class Frame(Struct):
    """One frame; of a header that is repeated, the first one counts."""

    command: str
    headers: dict[str, str]
    body: bytes


def escaped(text: str) -> str:
    """Write a header's name or value."""
    return text.translate(_ESCAPE)


def frame(command: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Write a frame."""
    if command in _PLAIN:
        lines = [f"{name}:{value}\n" for name, value in headers.items()]
    else:
        lines = [f"{escaped(name)}:{escaped(value)}\n" for name, value in headers.items()]
    return f"{command}\n{''.join(lines)}\n".encode() + body + b"\0"


class Reader:
    """Takes bytes as they come and gives the frames that are whole; heart-beats are passed over."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, received: bytes) -> Iterator[Frame]:
        """Give the frames that are whole now; raises NoFrame."""
        waiting = self._waiting
        waiting += received
        start, end = 0, len(waiting)
        try:
            while True:
                while start < end and waiting[start] in b"\r\n":
                    start += 1
                found = _one(waiting, start)
                if found is None:
                    return
                start = found[1]
                yield found[0]
        finally:
            del waiting[:start]


def _one(waiting: bytearray, start: int) -> tuple[Frame, int] | None:
    """Give the frame that begins at `start` and where it ends; None where it is not whole."""
    head_end, body_start = _end_of_head(waiting, start)
    if head_end < 0:
        _refuse_strange(waiting, start)
        return None
    frame = _head(bytes(waiting[start:head_end]))
    length = frame.headers.get("content-length")
    if length is not None:
        body_end = body_start + _length(length)
        if len(waiting) <= body_end:
            return None
        if waiting[body_end]:
            raise NoFrame("a frame does not end where it says that it ends")
    else:
        body_end = waiting.find(0, body_start)
        if body_end < 0:
            if len(waiting) - body_start > LARGEST_BODY:
                raise NoFrame(f"a frame of more than {LARGEST_BODY} bytes")
            return None
    frame.body = bytes(waiting[body_start:body_end])
    return frame, body_end + 1


def _end_of_head(waiting: bytearray, start: int) -> tuple[int, int]:
    plain = waiting.find(b"\n\n", start)
    if plain >= 0 and waiting.find(b"\r", start, plain) < 0:
        return plain, plain + 2
    other = waiting.find(b"\r\n\r\n", start)
    if other >= 0 and (plain < 0 or other < plain):
        return other, other + 4
    return (plain, plain + 2) if plain >= 0 else (-1, -1)


def _refuse_strange(waiting: bytearray, start: int) -> None:
    begun = waiting[start : start + 9].decode("latin-1")
    if begun and not any(name.startswith(begun[: len(name)]) for name in COMMANDS):
        raise NoFrame("what answers does not speak STOMP")
    if len(waiting) - start > LONGEST_HEAD:
        raise NoFrame(f"a frame with a head of more than {LONGEST_HEAD} bytes")


def _head(raw: bytes) -> Frame:
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    command, _, rest = text.partition("\n")
    if command not in COMMANDS:
        raise NoFrame("what answers does not speak STOMP")
    escapes = "\\" in rest and command not in _PLAIN
    headers: dict[str, str] = {}
    for line in rest.split("\n") if rest else ():
        name, _, value = line.partition(":")
        if escapes:
            name, value = _unescaped(name), _unescaped(value)
        headers.setdefault(name, value)
    return Frame(command, headers, b"")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return "\\".join(
        part.replace("\\n", "\n").replace("\\r", "\r").replace("\\c", ":")
        for part in text.split("\\\\")
    )


def _length(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > LARGEST_BODY:
        raise NoFrame(f"a frame says that it has {text[:20]} bytes")
    return int(text)
