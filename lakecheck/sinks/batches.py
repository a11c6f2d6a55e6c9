"""A journal in batches: whole lines only, a bound on how many and how large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from lakecheck.sinks.base import Item

BLOCK = 2**20  # bytes


class Batch(Struct):
    """Some lines of a journal: documents, what is none, and the byte behind the last of them."""

    items: list[Item]
    foreign: list[tuple[str, str]]  # line and reason
    end: int


def batches(journal: Path, offset: int, most_items: int, most_bytes: int) -> Iterator[Batch]:
    """Read whole lines from `offset` to the journal's end as it is when that is reached.

    A torn last line is left for later.
    """
    if not journal.exists():
        return
    with journal.open("rb") as file:
        file.seek(offset)
        batch, size = Batch([], [], offset), 0
        items = batch.items
        for line in file:
            if not line.endswith(b"\n"):
                break
            length = len(line)
            if (size + length > most_bytes or len(items) >= most_items) and size:
                batch.end += size
                yield batch
                batch, size = Batch([], [], batch.end), 0
                items = batch.items
            size += length
            if length == 1:
                continue
            try:
                items.append(Item(line[:-1]))
            except ValueError as error:
                batch.foreign.append((line[:-1].decode("utf-8", "replace"), str(error)))
        batch.end += size
        if batch.items or batch.foreign:
            yield batch


def any_pending(journal: Path, offset: int) -> bool:
    """Say whether there is a whole line from `offset` on."""
    if not journal.exists():
        return False
    with journal.open("rb") as file:
        file.seek(offset)
        return file.readline().endswith(b"\n")


def pending(journal: Path, offset: int) -> tuple[int, str]:
    """Count the whole lines from `offset` on, and give the first one's `@timestamp`."""
    if not journal.exists():
        return 0, ""
    with journal.open("rb") as file:
        file.seek(offset)
        line = file.readline()
        if not line.endswith(b"\n"):
            return 0, ""
        try:
            first = Item(line[:-1]).timestamp
        except ValueError:
            first = ""
        count = 1
        while part := file.read(BLOCK):
            count += part.count(b"\n")
    return count, first
