"""Records to a STOMP broker: each is sent with a receipt, and counts once the receipt is there."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Sequence

from lakecheck.publish import gridprobe
from lakecheck.publish.spool import Record
from lakecheck.publish.target import (
    NO_ANSWER,
    TLS_ALERT,
    Refused,
    Target,
    Trouble,
    dial,
    in_one_line,
    left,
    reason,
    speaks_tls,
)

CONTENT = {"json": "application/json", "probe": "text/plain;charset=utf-8"}
SELECTED = ("document", "kind", "status")
LONGEST = 2**20  # bytes of a frame from the broker; RECEIPT and ERROR are short
TOO_LARGE = "maximum frame size"  # ActiveMQ's word on a frame that it will never take
_ESCAPES = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"}
_MEANINGS = {escape: letter for letter, escape in _ESCAPES.items()}
_ESCAPE = re.compile(r"\\.")
_BLANK = re.compile(rb"\r?\n\r?\n")

Frame = tuple[str, dict[str, str], bytes]


class Stomp:
    """A session with one broker, begun when it is needed; after trouble it is begun anew."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._greeted = False  # it has answered our CONNECT
        self._number = 0  # of receipts

    def deliver(self, records: Sequence[Record], deadline: float) -> list[Record]:
        """Send records and give those with a receipt, all of them unless the broker objects.

        Raises Trouble or Refused where it objects to the first; then none were taken.
        """
        taken: list[Record] = []
        try:
            connection = self._connected(deadline)
            awaited = {self._receipt(): record for record in records}
            frames = b"".join(self._send(record, name) for name, record in awaited.items())
            connection.settimeout(left(deadline))
            connection.sendall(frames)
            while awaited:
                name = self._answer(deadline)
                if name in awaited:
                    taken.append(awaited.pop(name))
        except (OSError, Trouble, Refused) as error:
            self.close()
            if taken:
                return taken
            if isinstance(error, TimeoutError):
                raise Trouble(NO_ANSWER) from error
            if isinstance(error, OSError):
                raise Trouble(f"the connection broke ({reason(error)})") from error
            raise
        return taken

    def close(self) -> None:
        """End the session; what has a receipt is safe."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.settimeout(0.1)
                self._socket.sendall(b"DISCONNECT\n\n\0")
            self._socket.close()
        self._socket = None
        self._received.clear()

    def _connected(self, deadline: float) -> socket.socket:
        if self._socket is not None:
            return self._socket
        self._socket = dial(self.target, deadline)
        self._greeted = False
        headers = {"accept-version": "1.1,1.2", "host": self.target.host, "heart-beat": "0,0"}
        if self.target.user:
            headers |= {"login": self.target.user, "passcode": self.target.password}
        # CONNECT escapes nothing, for the sake of STOMP 1.0.
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        self._socket.sendall(f"CONNECT\n{lines}\n\0".encode())
        command, answered, body = self._frame(deadline)
        self._greeted = True
        if command != "CONNECTED":
            raise Trouble(_told(command, answered, body), answered=True)
        return self._socket

    def _receipt(self) -> str:
        self._number += 1
        return f"r{self._number}"

    def _send(self, record: Record, receipt: str) -> bytes:
        headers = {
            "destination": self.target.destination,
            "persistent": "true",  # or a restart of the broker loses it
            "receipt": receipt,
            "content-type": CONTENT[record.format],
            "content-length": str(len(record.body)),
            "amq-msg-type": "text",  # ActiveMQ takes what has a length for bytes
        }
        headers |= _selected(record)
        lines = "".join(f"{name}:{_escaped(value)}\n" for name, value in headers.items())
        return f"SEND\n{lines}\n".encode() + record.body + b"\0"

    def _answer(self, deadline: float) -> str:
        """Wait for a receipt and give its name."""
        command, headers, body = self._frame(deadline)
        if command == "RECEIPT":
            return headers.get("receipt-id", "")
        told = _told(command, headers, body)
        if command == "ERROR" and TOO_LARGE in told:
            raise Refused(told)
        raise Trouble(told, answered=True)

    def _frame(self, deadline: float) -> Frame:
        while True:
            frame = _taken(self._received)
            if frame is not None:
                return frame
            if len(self._received) > LONGEST:
                raise Trouble("it is no STOMP broker: its answer has no end", answered=True)
            assert self._socket is not None
            self._socket.settimeout(left(deadline))
            more = self._socket.recv(65536)
            if not more:
                words = in_one_line(self._received.decode("utf-8", "replace"))
                said = f" after it said {words!r}" if words else ""
                if not words and not self._greeted and self.target.scheme == "stomp":
                    said = "; if it speaks TLS there, write stomp+ssl://"
                raise Trouble(f"it closed the connection{said}", answered=bool(words))
            self._received += more
            if self._received.startswith(TLS_ALERT) and self.target.scheme == "stomp":
                raise Trouble(speaks_tls(self.target))


def _selected(record: Record) -> dict[str, str]:
    """Give the headers by which consumers select, as lakecheck's own sink sends them."""
    try:
        text = record.body.decode()
        fields = json.loads(text) if record.format == "json" else gridprobe.records(text)[0]
        told = {name: fields.get(name) for name in SELECTED}
        return {
            name: value
            for name, value in told.items()
            if isinstance(value, str) and value.isprintable() and len(value) < 200
        }
    except (ValueError, AttributeError, IndexError):
        return {}  # somebody changed the file where it waits


def _taken(received: bytearray) -> Frame | None:
    """Take a whole frame off what was received."""
    while received.startswith((b"\n", b"\r")):  # heart-beats, and what may follow a frame
        del received[0]
    blank = _BLANK.search(received)
    if blank is None:
        return None
    command, *lines = received[: blank.start()].decode("utf-8", "replace").splitlines()
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name, _meant(value))  # the first of several counts
    length = headers.get("content-length", "")
    end = blank.end() + int(length) if length.isdecimal() else received.find(0, blank.end())
    if end < 0 or len(received) <= end:
        return None
    body = bytes(received[blank.end() : end])
    del received[: end + 1]
    return command, headers, body


def _escaped(value: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in value)


def _meant(value: str) -> str:
    return _ESCAPE.sub(lambda found: _MEANINGS.get(found[0], found[0]), value)


def _told(command: str, headers: dict[str, str], body: bytes) -> str:
    """Say what a broker answered, in its words."""
    if command != "ERROR":
        return f"it is no STOMP broker: it answers {in_one_line(command)[:80]!r}"
    first = next(iter(body.decode("utf-8", "replace").strip().split("\n")), "")
    message = headers.get("message", "")
    told = first in message or (message and message in first)  # one tells the other too
    words = message if told else f"{message}: {first}" if message else first
    return f'it says "{in_one_line(words)}"'
