"""How catalogues and locks are named: by a spec's own words, by address, or as a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from lakecheck.errors import UsageError
from lakecheck.model import NOBODY
from lakecheck.spec.addresses import is_url
from lakecheck.spec.catalogues import Source
from lakecheck.spec.language import CATALOGUES
from lakecheck.spec.nodes import near, quote

LOCK = "lock"
WORDS = (*CATALOGUES, LOCK)
PREFIXES = {"fts": "fts_config"} | {name: name for name in CATALOGUES}
FORM = f"write {', '.join(WORDS)}, a lock file, or cric:URL, rucio:FILE, fts:FILE"

Sources = Callable[[], tuple[Source, ...]]


class Operand(Struct, frozen=True):
    """What a word means: a catalogue to be read, or locks, each with the catalogue it is of."""

    name: str  # as written
    source: Source | None = None
    locks: tuple[tuple[Path, str], ...] = ()

    @property
    def credential(self) -> str:
        """Name of the credential that it is asked with."""
        return self.source.credential.name if self.source else NOBODY.name


def find(operand: str, sources: Sources, folder: Path = Path()) -> Operand:
    """Find out what an operand means; UsageError where it means nothing.

    `sources` gives the catalogues of specs, `folder` is the one that paths start from.
    """
    if operand == LOCK:
        several = sources()
        if not several:
            raise UsageError("these specs name no catalogue, so they have no lock")
        return Operand(operand, locks=tuple((each.lock, each.name) for each in several))
    if operand in CATALOGUES:
        return Operand(operand, named(operand, sources()))
    prefix, colon, address = operand.partition(":")
    if colon and prefix in PREFIXES:
        return Operand(operand, at(PREFIXES[prefix], address, folder))
    path = folder / os.path.expanduser(operand)
    if path.is_file():
        return Operand(operand, locks=((path, ""),))
    raise UsageError(
        f"there is no catalogue or lock {quote(operand)}{near(operand, WORDS)}; {FORM}"
    )


def at(name: str, address: str, folder: Path = Path()) -> Source:
    """Make the source of a catalogue that no spec names."""
    located = address if is_url(address) else str(folder / os.path.expanduser(address))
    return Source(name, address, located, Path(f"{name}.lock.json"))


def named(name: str, sources: tuple[Source, ...]) -> Source:
    """Give a spec's catalogue; UsageError where it names no such one."""
    several = {source.name: source for source in sources}
    if name not in several:
        has = f"they name {', '.join(several)}" if several else "they name no catalogue"
        raise UsageError(f"these specs have no inventory.{name}; {has}")
    return several[name]
