"""What `inventory diff` compares: catalogues of a spec, locks, or any catalogue by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lakecheck.errors import CatalogueError, UsageError
from lakecheck.inventory import lock
from lakecheck.inventory import sources as reading
from lakecheck.inventory.catalogue import Catalogue, NotUnderstood
from lakecheck.inventory.reading import Unread
from lakecheck.inventory.sources import PARSERS
from lakecheck.spec.catalogues import Source
from lakecheck.spec.locks import Distances, LeftOut, Lock, Unusable, joined, read_lock
from lakecheck.spec.nodes import near, quote

WORDS = (*PARSERS, "lock")
PREFIXES = {"fts": "fts_config"} | {name: name for name in PARSERS}
FORM = f"write {', '.join(WORDS)}, a lock file, or cric:URL, rucio:FILE, fts:FILE"

Sources = Callable[[], tuple[Source, ...]]


def catalogue(operand: str, sources: Sources) -> Catalogue:
    """Give what an operand names.

    UsageError where it names nothing; CatalogueError where a catalogue cannot be read.
    """
    if operand == "lock":
        return together(_locks(sources()))
    if source := source_of(operand, sources):
        return read(source)
    if Path(operand).is_file():
        try:
            return lock.catalogue(read_lock(Path(operand)))
        except Unusable as error:
            raise UsageError(str(error)) from None
    raise UsageError(
        f"there is no catalogue or lock {quote(operand)}{near(operand, WORDS)}; {FORM}"
    )


def source_of(operand: str, sources: Sources) -> Source | None:
    """Give the catalogue that an operand names; None where it can only be a lock."""
    if operand in PARSERS:
        return named(operand, sources())
    prefix, colon, address = operand.partition(":")
    return at(PREFIXES[prefix], address) if colon and prefix in PREFIXES else None


def at(name: str, address: str) -> Source:
    """Make the source of a catalogue that no spec names."""
    return Source(name, address, address, Path(f"{name}.lock.json"))


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


def _locks(sources: Iterable[Source]) -> list[Lock]:
    several = list(sources)
    if not several:
        raise UsageError("these specs name no catalogue, so they have no lock")
    try:
        return [read_lock(source.lock, source.name) for source in several]
    except FileNotFoundError as error:
        message = f"there is no lock {error.filename} yet; `lakecheck inventory update` writes it"
        raise UsageError(message) from None
    except Unusable as error:
        raise UsageError(str(error)) from None


def named(name: str, sources: Iterable[Source]) -> Source:
    """Give a spec's catalogue; UsageError where it names no such one."""
    several = {source.name: source for source in sources}
    if name not in several:
        has = f"they name {', '.join(several)}" if several else "they name no catalogue"
        raise UsageError(f"these specs have no inventory.{name}; {has}")
    return several[name]
