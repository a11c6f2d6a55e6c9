"""Finds the documents that a server does not take, where it refuses whole batches only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Body = TypeVar("Body")


class Refused(Exception):
    """A server's word that something in a batch is not acceptable, ever."""


def by_halves(
    bodies: Sequence[Body], offer: Callable[[Sequence[Body]], None], first: int = 0
) -> list[tuple[int, str]]:
    """Offer a batch, and halves of what is refused, until single ones are left over.

    Gives the places of those, with the server's words. `offer` raises Refused, or SinkTrouble,
    which ends it. `first` is the first one's place.
    """
    if not bodies:
        return []
    try:
        offer(bodies)
    except Refused as error:
        if len(bodies) == 1:
            return [(first, str(error))]
        middle = len(bodies) // 2
        lower = by_halves(bodies[:middle], offer, first)
        return lower + by_halves(bodies[middle:], offer, first + middle)
    return []
