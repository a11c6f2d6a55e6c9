"""What `lakecheck consume` reads from: a broker's messages, acknowledged once they are kept."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Message(Struct):
    """One message of a broker; `origin` is the topic or queue that it came from."""

    body: bytes
    headers: dict[str, str]
    origin: str


class Source(Protocol):
    """One open subscription, used by one thread."""

    def receive(self, most: int, within: float) -> list[Message]:
        """Give at most `most` messages, waiting `within` seconds for the first one at most.

        Raises SinkTrouble where the broker cannot be heard; then a new source is opened.
        """

    def acknowledge(self) -> None:
        """Tell the broker that all that was received is on disk; raises SinkTrouble."""

    def close(self) -> None:
        """Give the connection back; called once, also after trouble."""
