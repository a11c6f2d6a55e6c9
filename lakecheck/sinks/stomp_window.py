"""Batches of frames on their way, a few ahead of the broker's receipts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.stomp_frames import Framed
from lakecheck.sinks.wire.answers import trouble_of
from lakecheck.sinks.wire.connection import Connection
from lakecheck.sinks.wire.frames import Frame

BATCH, BATCH_BYTES = 100, 256 * 2**10  # frames and bytes for one receipt
OPEN = 4  # receipts waited for; a broker that is full keeps in its memory what is behind them


class Withheld(SinkTrouble):
    """The broker lives, and confirms nothing."""


class Window:
    """Sends frames over one connection; ActiveMQ keeps them in order, so a receipt is for all."""

    def __init__(
        self, connection: Connection, timeout: float, kept: Callable[[Sequence[Framed]], None]
    ) -> None:
        """`kept` is told what the broker has confirmed."""
        self._connection, self._timeout, self._kept = connection, timeout, kept
        self._open: deque[tuple[str, Sequence[Framed]]] = deque()
        self._receipts = 0

    def send(self, frames: Sequence[Framed], careful: bool) -> None:
        """Return when all is confirmed; if careful, the first alone. Raises SinkTrouble."""
        start = 0
        while start < len(frames):
            end = start + 1 if careful else _batch_end(frames, start)
            self._send_batch(frames[start:end])
            self._settle(0 if careful else OPEN - 1)
            start, careful = end, False
        self._settle(0)

    def _send_batch(self, frames: Sequence[Framed]) -> None:
        self._receipts += 1
        receipt = str(self._receipts)
        self._open.append((receipt, frames))
        parts = [each.plain for each in frames[:-1]]
        self._connection.send(b"".join([*parts, frames[-1].with_receipt(receipt)]))
        while (answer := self._connection.receive(0)) is not None:
            self._hear(answer)

    def _settle(self, most: int) -> None:
        """Wait until at most so many batches are open."""
        while len(self._open) > most:
            answer = self._connection.receive(self._timeout)
            if answer is None:
                count = sum(len(frames) for _, frames in self._open)
                raise Withheld(
                    f"{self._connection.broker.name} lives but has not confirmed {count} messages "
                    f"within {self._timeout:g} s; its memory or store is probably full, because "
                    "consumers are slow or a durable subscriber is away"
                )
            self._hear(answer)

    def _hear(self, answer: Frame) -> None:
        if answer.command == "ERROR":
            # It does not say of which frame, so none that is open counts.
            raise trouble_of(self._connection.broker.name, answer, self._connection.user)
        if answer.command != "RECEIPT":
            return
        receipt = answer.headers.get("receipt-id", "")
        while any(receipt == each for each, _ in self._open):
            self._kept(self._open.popleft()[1])


def _batch_end(frames: Sequence[Framed], start: int) -> int:
    size = frames[start].size
    end = start + 1
    while end < min(start + BATCH, len(frames)) and size + frames[end].size <= BATCH_BYTES:
        size += frames[end].size
        end += 1
    return end
