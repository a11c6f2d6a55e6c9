"""How often names occurred, for millions of them in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence

_SMALLEST = 1024  # slots; a power of two, as every size
_LARGE = 2**18


class Repeats:
    """Counts names by 64-bit digests, in a table of 8 bytes a slot that is at most two thirds full.

    A set would take four times as much. That two of a million names have the same digest has a
    chance of 1 in 30 million; they would be taken for a repetition.
    """

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * _SMALLEST))
        self._used = 0
        self._more: dict[int, int] = {}  # by digest, of names that occurred again

    def count(self, names: Sequence[Hashable]) -> list[int]:
        """Note names in order, and tell how often each has occurred by then."""
        while 3 * (self._used + len(names)) > 2 * len(self._slots):
            self._grow()
        slots = self._slots
        mask = len(slots) - 1
        counts = [1] * len(names)
        known = 0
        for position, name in enumerate(names):
            digest = hash(name) or 1  # 0 is a free slot
            slot = digest & mask
            while (found := slots[slot]) and found != digest:
                slot = (slot + 1) & mask
            if found:
                counts[position] = self._again(digest)
                known += 1
            else:
                slots[slot] = digest
        self._used += len(names) - known
        return counts

    def _again(self, digest: int) -> int:
        occurred = self._more[digest] = self._more.get(digest, 1) + 1
        return occurred

    def _grow(self) -> None:
        # Moving all of them takes time, the free slots of a large table take memory.
        larger = len(self._slots) * (4 if len(self._slots) < _LARGE else 2)
        fresh = array("q", bytes(8 * larger))
        mask = len(fresh) - 1
        for digest in self._slots:
            if digest:
                slot = digest & mask
                while fresh[slot]:
                    slot = (slot + 1) & mask
                fresh[slot] = digest
        self._slots = fresh
