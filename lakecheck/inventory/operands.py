"""What `inventory diff` compares: catalogues of a spec, locks, or any catalogue by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lakecheck.errors import CatalogueError, UsageError
from lakecheck.inventory.catalogue import Catalogue, NotUnderstood
from lakecheck.inventory.reading import Unread, fetch
from lakecheck.inventory.sources import PARSERS, parse
from lakecheck.spec.catalogues import Source
from lakecheck.spec.locks import LeftOut, Lock, LockedRSE, Unusable, joined, read_lock
from lakecheck.spec.nodes import near, quote

WORDS = (*PARSERS, "lock")
PREFIXES = {"fts": "fts_config"} | {name: name for name in PARSERS}
FORM = f"write {', '.join(WORDS)}, a lock file, or cric:URL, rucio:FILE, fts:FILE"

Sources = Callable[[], tuple[Source, ...]]


def rses(operand: str, sources: Sources) -> dict[str, LockedRSE]:
    """Give the RSEs of what an operand names.

    UsageError where it names nothing; CatalogueError where a catalogue cannot be read.
    """
    if operand == "lock":
        return joined(_locks(sources()))
    if operand in PARSERS:
        source = _named(operand, sources())
        return read(operand, source.located, source.timeout, source.ca).rses
    prefix, colon, address = operand.partition(":")
    if colon and prefix in PREFIXES:
        return read(PREFIXES[prefix], address).rses
    if Path(operand).is_file():
        try:
            return read_lock(Path(operand)).rses
        except Unusable as error:
            raise UsageError(str(error)) from None
    raise UsageError(
        f"there is no catalogue or lock {quote(operand)}{near(operand, WORDS)}; {FORM}"
    )


def read(name: str, located: str, timeout: float = 30.0, ca: str = "") -> Catalogue:
    """Read a catalogue now; CatalogueError where it cannot be used."""
    try:
        return parse(name, fetch(located, timeout, ca))
    except (Unread, NotUnderstood) as error:
        raise CatalogueError(f"{name}: {quote(located)} cannot be used: {error}") from None


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


def _named(name: str, sources: Iterable[Source]) -> Source:
    several = {source.name: source for source in sources}
    if name not in several:
        has = f"they name {', '.join(several)}" if several else "they name no catalogue"
        raise UsageError(f"these specs have no inventory.{name}; {has}")
    return several[name]
