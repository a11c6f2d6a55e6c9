"""Which rows and columns of a link matrix are red: the source or the destination to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from lakecheck.views.outcome import Outcome

Role = Literal["source", "destination"]
ENOUGH = 2  # links tried before a row or column can say anything
NEARLY_ALL = 0.8

_TRIED = ("passed", "failed", "error", "blocked")
_BAD = ("failed", "error", "blocked")


class Standout(Struct, frozen=True):
    """An RSE in one role: how many of its tried links did not pass."""

    rse: str
    role: Role
    bad: int
    tried: int

    @property
    def is_whole(self) -> bool:
        """Whether no link passed at all."""
        return self.bad == self.tried


def shares(links: Iterable[Outcome]) -> dict[tuple[Role, str], Standout]:
    """Count bad and tried links of each RSE in each role; one with a bad check is bad."""
    tried: dict[tuple[str, str, str], bool] = {}
    for link in links:
        if link.status in _TRIED:
            one = (link.source, link.destination, link.case)
            tried[one] = tried.get(one, False) or link.status in _BAD
    counts: dict[tuple[Role, str], list[int]] = defaultdict(lambda: [0, 0])
    for (source, destination, _), bad in tried.items():
        keys: tuple[tuple[Role, str], ...] = (("source", source), ("destination", destination))
        for key in keys:
            entry = counts[key]
            entry[0] += bad
            entry[1] += 1
    return {(role, rse): Standout(rse, role, *numbers) for (role, rse), numbers in counts.items()}


def standouts(links: Iterable[Outcome]) -> list[Standout]:
    """Name the sources and destinations whose links fail (nearly) all, worst first.

    Where everything fails, no single RSE stands out and the list is empty.
    """
    every = shares(links).values()
    if all(one.is_whole for one in every):
        return []
    found = [one for one in every if one.tried >= ENOUGH and one.bad / one.tried >= NEARLY_ALL]
    return sorted(found, key=lambda one: (-one.bad / one.tried, -one.bad, one.rse, one.role))
