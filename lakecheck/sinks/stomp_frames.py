"""Documents as frames: where each goes, and the id by which it is known when it comes twice."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lakecheck.sinks.addressing import Addressing, Words, words_of
from lakecheck.sinks.base import Item, SinkTrouble
from lakecheck.sinks.wire.frames import escaped

MANY_HEADS = 10_000


class Framed(Struct):
    """A document's frame, in two parts between which a receipt can be asked for."""

    index: int  # in its batch
    id: str
    head: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        return len(self.head) + len(self.body) + 2

    @property
    def plain(self) -> bytes:
        """The frame, without a receipt."""
        return b"%b\n%b\0" % (self.head, self.body)

    def with_receipt(self, receipt: str) -> bytes:
        """Give the frame; the broker answers when it and all before it are kept."""
        return b"%breceipt:%b\n\n%b\0" % (self.head, receipt.encode(), self.body)


class Framing:
    """Makes frames of documents."""

    def __init__(
        self, destination: str | Mapping[str, str], persistent: bool, grid_probe: bool
    ) -> None:
        """Raise SinkTrouble where a destination names what a document has not."""
        named = {"default": destination} if isinstance(destination, str) else destination
        self._places = {name: Addressing(text) for name, text in named.items()}
        self._grid_probe = grid_probe
        sort = "text/plain" if grid_probe else "application/json"
        # Without its type, ActiveMQ hands a body to Java's consumers as bytes.
        self._common = f"content-type:{sort}\namq-msg-type:text\n"
        if persistent:
            self._common += "persistent:true\n"
        self._heads: dict[str, bytes] = {}

    def framed(self, index: int, item: Item) -> Framed:
        """Make a frame; raises ValueError where the line is no JSON."""
        destination = self._destination(words_of(item))
        head = self._heads.get(destination)
        if head is None:
            if len(self._heads) > MANY_HEADS:
                self._heads.clear()
            head = f"SEND\ndestination:{escaped(destination)}\n{self._common}".encode()
            self._heads[destination] = head
        body = self._foreign(item) if self._grid_probe else item.raw
        # The id tells what came twice.
        told = f"_id:{escaped(item.id)}\ncontent-length:{len(body)}\n"
        return Framed(index, item.id, head + told.encode(), body)

    def _destination(self, words: Words) -> str:
        for name in (words.kind, words.document, "default"):
            if name in self._places:
                return self._places[name].place(words)
        what = words.kind or words.document
        told = f'destination says nothing of "{what}" and has no default'
        raise SinkTrouble(told, lasting=True)

    def _foreign(self, item: Item) -> bytes:
        from lakecheck.documents.foreign import grid_probe

        return grid_probe(item.document).encode()
