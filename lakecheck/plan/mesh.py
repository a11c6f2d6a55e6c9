"""Which links a mesh has: strategies over an ordered list of RSEs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from lakecheck.model import RSE

Link = tuple[RSE, RSE]


def full(members: Sequence[RSE]) -> Iterator[Link]:
    """Every ordered pair."""
    for source in members:
        for destination in members:
            if source is not destination:
                yield source, destination


def ring(members: Sequence[RSE]) -> Iterator[Link]:
    """Each to the next, the last to the first."""
    if len(members) > 1:
        yield from zip(members, [*members[1:], members[0]], strict=True)


def star(members: Sequence[RSE], centre: str) -> Iterator[Link]:
    """From and to one RSE."""
    middle = [rse for rse in members if rse.name == centre]
    for hub in middle:
        for rse in members:
            if rse is not hub:
                yield hub, rse
                yield rse, hub


def links(strategy: str | Mapping[Literal["star"], str], members: Sequence[RSE]) -> Iterator[Link]:
    """Links of a strategy as a spec writes it: `full`, `ring` or `{star: RSE}`."""
    if isinstance(strategy, Mapping):
        return star(members, strategy["star"])
    return ring(members) if strategy == "ring" else full(members)
