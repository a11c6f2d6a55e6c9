"""What `inventory diff` and its like compare: reading what an operand means."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck.errors import CatalogueError, UsageError
from lakecheck.inventory import sources as reading
from lakecheck.inventory.catalogue import Catalogue, NotUnderstood
from lakecheck.inventory.reading import Unread
from lakecheck.spec.catalogues import Source
from lakecheck.spec.locks import Distances, LeftOut, Lock, Unusable, joined, read_lock
from lakecheck.spec.nodes import quote
from lakecheck.spec.operands import Operand


def catalogue(operand: Operand) -> Catalogue:
    """Read what an operand means; CatalogueError or, of a lock, UsageError where it cannot be."""
    if operand.source is not None:
        return read(operand.source)
    try:
        return together(read_lock(path, source) for path, source in operand.locks)
    except FileNotFoundError as error:
        message = f"there is no lock {error.filename} yet; `lakecheck inventory update` writes it"
        raise UsageError(message) from None
    except Unusable as error:
        raise UsageError(str(error)) from None


def read(source: Source) -> Catalogue:
    """Read a catalogue now; CatalogueError where it cannot be used."""
    try:
        return reading.read(source)
    except (Unread, NotUnderstood) as error:
        told = f"{source.name}: {quote(source.located)} cannot be used: {error}"
        raise CatalogueError(told) from None


def together(several: Iterable[Lock]) -> Catalogue:
    """Lay locks together; of RSEs and distances in several the first counts."""
    locks = list(several)
    told = [lock.distances for lock in locks if lock.distances is not None]
    distances: Distances = {}
    for each in reversed(told):
        for source, row in each.items():
            distances[source] = {**distances.get(source, {}), **row}
    return Catalogue(joined(locks), (), distances if told else None)


def left_out(sources: Iterable[Source]) -> tuple[LeftOut, ...]:
    """Give what locks say that cannot be tested."""
    found: set[LeftOut] = set()
    for source in sources:
        found.update(read_lock(source.lock, source.name).ignored)
    return tuple(sorted(found))
