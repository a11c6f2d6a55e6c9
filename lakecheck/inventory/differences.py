"""What two inventories differ in: RSEs, endpoints, attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from lakecheck.model import Scalar
from lakecheck.spec.locks import LockedRSE

MOST_NAMED = 12
Sign = Literal["+", "-", "~"]


class Change(Struct, frozen=True):
    """One difference; `before` and `after` are None where there is nothing.

    `what` is `rse`, `endpoint`, or the name of an attribute or key with its section, such as
    `attributes.country`.
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


def compare(before: Mapping[str, LockedRSE], after: Mapping[str, LockedRSE]) -> Differences:
    """Compare two inventories."""
    changes: list[Change] = []
    for name in sorted({*before, *after}):
        if name not in before:
            changes += [Change("+", name, "rse"), *_between(name, _NOTHING, after[name])]
        elif name not in after:
            changes += [Change("-", name, "rse"), *_between(name, before[name], _NOTHING)]
        else:
            changes += _between(name, before[name], after[name])
    return Differences(tuple(changes))


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
    found = {f"attributes.{key}": shown(value) for key, value in rse.attributes.items()}
    if rse.checksum != _NOTHING.checksum:
        found["checksum"] = rse.checksum
    if rse.tpc != _NOTHING.tpc:
        found["tpc"] = "none" if rse.tpc == "none" else ", ".join(rse.tpc)
    return found


def shown(value: Scalar) -> str:
    """Write an attribute as a spec would: true, 5, text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
