"""What two inventories differ in: RSEs, endpoints, attributes, distances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from lakecheck.inventory.catalogue import Catalogue
from lakecheck.model import Scalar
from lakecheck.spec.locks import Distances, LockedRSE

MOST_NAMED = 12
# What one catalogue says and another takes for granted.
USUAL = {
    **dict.fromkeys(("deterministic", "verify_checksum"), "true"),
    **dict.fromkeys(("volatile", "staging_area"), "false"),
    "rse_type": "DISK",
}
Sign = Literal["+", "-", "~"]


class Change(Struct, frozen=True):
    """One difference; `before` and `after` are None where there is nothing.

    `what` is `rse`, `endpoint`, `distance DST`, or the name of an attribute or key with its
    section, such as `attributes.country`.
    """

    sign: Sign
    rse: str
    what: str
    before: str | None = None
    after: str | None = None


class Differences(Struct, frozen=True):
    """All differences, by RSE."""

    changes: tuple[Change, ...] = ()

    def rses(self, sign: Sign) -> tuple[str, ...]:
        """RSEs that were added (`+`), removed (`-`) or changed (`~`)."""
        whole = {each.rse: each.sign for each in self.changes if each.what == "rse"}
        changed = {each.rse: "~" for each in self.changes} | whole
        return tuple(name for name, found in changed.items() if found == sign)

    @property
    def summary(self) -> str:
        """Which RSEs were added (`+`), removed (`-`) and changed (`~`), empty without any."""
        signs: tuple[Sign, ...] = ("+", "-", "~")
        names = [f"{sign}{name}" for sign in signs for name in self.rses(sign)]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return " ".join(names[:MOST_NAMED]) + more


def compare(before: Catalogue, after: Catalogue) -> Differences:
    """Compare two inventories; distances only where both tell some, and between RSEs of both."""
    changes: list[Change] = []
    both = {*before.rses} & {*after.rses}
    rows = [_between_all(both, told.distances) for told in (before, after)]
    for name in sorted({*before.rses, *after.rses}):
        old, new = before.rses.get(name), after.rses.get(name)
        if old is None:
            changes.append(Change("+", name, "rse"))
        elif new is None:
            changes.append(Change("-", name, "rse"))
        changes += _between(name, old or _NOTHING, new or _NOTHING)
        if None not in (before.distances, after.distances):
            changes += _distances(name, *(row.get(name, {}) for row in rows))
    return Differences(tuple(changes))


def _between_all(names: set[str], told: Distances | None) -> Distances:
    return {
        source: {other: value for other, value in row.items() if other in names}
        for source, row in (told or {}).items()
        if source in names
    }


def _distances(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Change]:
    for other in sorted({*before, *after}):
        old, new = (str(row[other]) if other in row else None for row in (before, after))
        if old != new:
            sign: Sign = "+" if old is None else "-" if new is None else "~"
            yield Change(sign, name, f"distance {other}", old, new)


_NOTHING = LockedRSE(())


def _between(name: str, before: LockedRSE, after: LockedRSE) -> Iterator[Change]:
    for url in before.endpoints:
        if url not in after.endpoints:
            yield Change("-", name, "endpoint", before=url)
    for url in after.endpoints:
        if url not in before.endpoints:
            yield Change("+", name, "endpoint", after=url)
    old, new = _values(before), _values(after)
    for key in sorted({*old, *new}):
        if old.get(key) == new.get(key):
            continue
        sign: Sign = "+" if key not in old else "-" if key not in new else "~"
        yield Change(sign, name, key, old.get(key), new.get(key))


def _values(rse: LockedRSE) -> dict[str, str]:
    found = {
        f"attributes.{key}": shown(value)
        for key, value in rse.attributes.items()
        if shown(value) != USUAL.get(key)
    }
    if rse.checksum != _NOTHING.checksum:
        found["checksum"] = rse.checksum
    if rse.tpc != _NOTHING.tpc:
        found["tpc"] = "none" if rse.tpc == "none" else ", ".join(rse.tpc)
    return found


def shown(value: Scalar) -> str:
    """Write an attribute as a spec would: true, 5, text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
