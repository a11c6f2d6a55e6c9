"""Finds the documents that a server does not take, where it refuses whole batches only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lakecheck.sinks.base import Item, Rejection


class Refused(Exception):
    """A server's word that something in a batch is not acceptable, ever."""


def by_halves(
    items: Sequence[Item], offer: Callable[[Sequence[Item]], None], first: int = 0
) -> list[Rejection]:
    """Offer a batch, and halves of what is refused, until single documents are left over.

    `offer` raises Refused, or SinkTrouble, which ends it. `first` is the first one's index.
    """
    if not items:
        return []
    try:
        offer(items)
    except Refused as error:
        if len(items) == 1:
            return [Rejection(first, str(error))]
        middle = len(items) // 2
        lower = by_halves(items[:middle], offer, first)
        return lower + by_halves(items[middle:], offer, first + middle)
    return []
