"""Bringing locks up to date: which catalogues are read, and what serves where one is silent."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from lakecheck.errors import CatalogueError
from lakecheck.inventory import lock as locks
from lakecheck.inventory.catalogue import Catalogue, NotUnderstood
from lakecheck.inventory.differences import Differences, compare
from lakecheck.inventory.reading import Unread
from lakecheck.inventory.sources import read
from lakecheck.spec.catalogues import Source
from lakecheck.spec.locks import Lock, Unusable, read_lock
from lakecheck.spec.nodes import printable, quote
from lakecheck.units import show_duration


class _Unwritten(Exception):
    """The catalogue is read, and its lock cannot be written; the sentence says why."""


class Refreshed(Struct, frozen=True):
    """What became of one catalogue: its lock's differences, or why the old lock serves."""

    source: Source
    lock: Lock | None
    differences: Differences = Differences()
    trouble: str = ""

    @property
    def sentence(self) -> str:
        """What a run should say of it; empty where all is as it was."""
        told = self.trouble or self.differences.summary
        return f"{self.source.name}: {told}" if told else ""


def refresh(sources: Iterable[Source]) -> tuple[Refreshed, ...]:
    """Read the catalogues that are not frozen, and write their locks.

    A catalogue that cannot be read has `trouble`, and its lock serves; CatalogueError where
    there is none.
    """
    outcomes = refresh_all(source for source in sources if not source.frozen)
    lost = [each.sentence for each in outcomes if each.lock is None]
    if lost:
        raise CatalogueError("\n".join(lost))
    return outcomes


def before_run(sources: Iterable[Source]) -> list[str]:
    """Do the same for a run, and give a line for each catalogue that changed or is silent.

    Parts of one run (`LAKECHECK_RUN`) keep to the locks that they share.
    """
    shared = bool(os.environ.get("LAKECHECK_RUN"))
    outcomes = refresh(each for each in sources if not (shared and each.lock.exists()))
    return [each.sentence for each in outcomes if each.sentence]


def start(found: Catalogue, name: str, address: str) -> Lock:
    """Make the first lock of a catalogue that was read just now."""
    return locks.updated(None, found, name, address, _now())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refresh_all(sources: Iterable[Source]) -> tuple[Refreshed, ...]:
    """Read catalogues, frozen ones too, and write their locks; `lock` is None without any."""
    return tuple(_refreshed(source) for source in sources)


def due(source: Source, now: float | None = None) -> bool:
    """Whether a catalogue's lock is older than its `refresh`, or there is none."""
    seconds = age(source.lock, now)
    return not source.frozen and (seconds is None or seconds >= source.refresh)


def age(path: Path, now: float | None = None) -> float | None:
    """Seconds since a lock was last found to be what its catalogue says; None without a lock.

    That is the file's own time, so that reading the same again changes nothing in it.
    """
    try:
        return max(0.0, (time.time() if now is None else now) - path.stat().st_mtime)
    except OSError:
        return None


def _refreshed(source: Source) -> Refreshed:
    old, broken = _old(source)
    try:
        found = read(source)
        fresh = _written(source, old, found)
    except _Unwritten as error:
        rest = f"; {_serves(source, old)}" if old else ""
        return Refreshed(source, old, trouble=printable(f"{error}{rest}"))
    except (Unread, NotUnderstood) as error:
        told = f"{quote(source.address)} cannot be used: {error}"
        without = broken or f"there is no lock {source.lock} to plan from"
        rest = _serves(source, old) if old else f"and {without}"
        return Refreshed(source, old, trouble=printable(f"{told}; {rest}"))
    return Refreshed(source, fresh, compare(_of(old), _of(fresh)))


def _of(lock: Lock | None) -> Catalogue:
    return locks.catalogue(lock) if lock else Catalogue({})


def _old(source: Source) -> tuple[Lock | None, str]:
    try:
        return read_lock(source.lock, source.name), ""
    except FileNotFoundError:
        return None, ""
    except Unusable as error:
        return None, str(error)


def _written(source: Source, old: Lock | None, found: Catalogue) -> Lock:
    fresh = locks.updated(old, found, source.name, source.address, _now())
    try:
        if fresh is old:
            with suppress(OSError):  # it may be another user's, and what it says is right
                os.utime(source.lock)
            return fresh
        if old is None and not locks.may_replace(source.lock):
            raise _Unwritten(
                f"{source.lock} is no lock of an inventory, and is not overwritten; "
                "name another file with lock:"
            )
        locks.write(source.lock, fresh)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _Unwritten(f"the lock {source.lock} cannot be written: {reason}") from None
    return fresh


def _serves(source: Source, old: Lock) -> str:
    seconds = age(source.lock)
    told = f"{show_duration(seconds)} old" if seconds is not None else "of unknown age"
    return f"the lock {source.lock} serves, {told} (its content is of {old.read})"
