"""What goes up and comes down: payloads in pieces, compared as they arrive, memory flat."""

from __future__ import annotations

import asyncio
from typing import IO

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from lakecheck.drivers.base import Payload
from lakecheck.errors import Corrupt

PIECE = 1 << 20
AT_ONCE = 1 << 16  # bodies up to this go with the request's head in one write


class Upload(aiohttp.Payload):
    """A large file as a request's body.

    It waits `patience` seconds before the first byte: a server that redirects answers the
    bare head, and bytes sent to it are lost, or break the connection before its answer is read.
    """

    _autoclose = True

    def __init__(self, file: IO[bytes], payload: Payload, patience: float, timeout: float) -> None:
        super().__init__(file, content_type="application/octet-stream")
        self._size = payload.size
        self._patience = patience
        self._timeout = timeout

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Not for text."""
        raise TypeError("a payload is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the file in pieces, read by threads so that no slow disk stops the loop."""
        if self._patience:
            writer.send_headers()
            await asyncio.sleep(self._patience)
        await asyncio.to_thread(self._value.seek, 0)
        while piece := await asyncio.to_thread(self._value.read, PIECE):
            async with asyncio.timeout(self._timeout):
                await writer.write(piece)


class Comparison:
    """Takes what is downloaded, piece by piece; compares it and leaves it in a file."""

    def __init__(self, wanted: IO[bytes] | None, copy: IO[bytes] | None, expected: int) -> None:
        self.count = 0
        self._wanted = wanted
        self._copy = copy
        self._expected = expected

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; Corrupt at the first that differ."""
        if self._copy is not None:
            self._copy.write(piece)
        if self._wanted is not None:
            self._compare(piece, self._wanted.read(len(piece)))
        self.count += len(piece)

    def _compare(self, piece: bytes, wanted: bytes) -> None:
        if piece == wanted:
            return
        for offset, (seen, written) in enumerate(zip(piece, wanted, strict=False)):
            if seen != written:
                raise Corrupt(f"content differs from byte {self.count + offset} on", phase="verify")
        raise Corrupt(f"content is longer than the {self._expected} bytes written", phase="verify")

    def finish(self) -> None:
        """Corrupt where fewer bytes came than were written."""
        if self._wanted is not None and self.count != self._expected:
            said = f"{self.count} bytes came, {self._expected} were written"
            raise Corrupt(said, phase="verify")


async def receive(content: aiohttp.StreamReader, comparison: Comparison) -> None:
    """Read an answer's body to its end; large pieces are handled by threads."""
    pieces: list[bytes] = []
    held = 0
    async for piece in content.iter_any():
        pieces.append(piece)
        held += len(piece)
        if held >= PIECE:
            await asyncio.to_thread(comparison.feed, b"".join(pieces))
            pieces.clear()
            held = 0
    if pieces:
        comparison.feed(b"".join(pieces))
    comparison.finish()
