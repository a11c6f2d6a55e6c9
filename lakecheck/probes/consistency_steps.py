"""The steps of a consistency test: catalogues are read once a run, then compared RSE by RSE."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from lakecheck.errors import (
    CatalogueError,
    DriverError,
    Missing,
    ProtocolError,
    TesterFailed,
    Unclassified,
    UsageError,
)
from lakecheck.inventory import Catalogue, NotUnderstood, Unread, compare, operands
from lakecheck.inventory import read as read_source
from lakecheck.inventory.differences import Change
from lakecheck.model import Comparison
from lakecheck.probes.base import Measured, Steps, Tools
from lakecheck.spec.operands import Operand


class Compared(Struct, frozen=True):
    """What both catalogues say, and what they differ in, by RSE."""

    catalogues: list[Catalogue]
    changes: dict[str, list[Change]]


async def read(tools: Tools) -> Measured:
    """Both catalogues answer, with what can be understood."""
    comparison = _comparison(tools)
    found = await asyncio.gather(*(_read(side, tools.shared) for side in comparison.sides))
    tools.shared[tools.case.address] = Compared(found, _by_rse(compare(*found).changes))
    both = set.intersection(*(set(each.rses) for each in found))
    return Measured(measures={"between": _names(comparison), "rses": len(both)})


def _by_rse(changes: Iterable[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.rse, []).append(change)
    return found


async def _read(side: Operand, shared: dict[str, Any]) -> Catalogue:
    """Read a catalogue, once for all tests of a run that compare it."""
    key = f"catalogue {side.name} {side.source.located if side.source else ''}"
    if key not in shared:
        shared[key] = asyncio.ensure_future(asyncio.to_thread(_now, side))
    found: Catalogue = await asyncio.shield(shared[key])
    return found


def _now(side: Operand) -> Catalogue:
    try:
        return read_source(side.source) if side.source else operands.catalogue(side)
    except Unread as error:
        known = error.error
        raise type(known)(f"{side.name}: {error}", side=known.side, code=known.code) from None
    except NotUnderstood as error:
        raise ProtocolError(f"{side.name}: {error}", side="service") from None
    except (UsageError, CatalogueError) as error:
        raise TesterFailed(str(error)) from None


async def complete(tools: Tools) -> Measured:
    """No RSE is listed by one catalogue alone and unknown to the inventory."""
    comparison, found = _comparison(tools), _found(tools).catalogues
    sentences: list[str] = []
    lacking: list[str] = []
    for side, other in (found, found[::-1]):
        name, lacks = (comparison.sides[found.index(each)].name for each in (side, other))
        alone = [rse for rse in side.rses if rse not in other.rses and _strange(rse, comparison)]
        if alone:
            lacking.append(lacks)
            sentences.append(f"only {name} lists {', '.join(alone)}")
    return _judged(comparison, sentences, tuple(lacking), Missing)


def _strange(name: str, comparison: Comparison) -> bool:
    left_out = any(fnmatchcase(name, pattern) for pattern in comparison.left_out)
    return not left_out and name not in comparison.known


async def agree(tools: Tools) -> Measured:
    """Both catalogues list the RSE, with the same endpoints, attributes and distances."""
    comparison, compared = _comparison(tools), _found(tools)
    found, name = compared.catalogues, tools.case.place
    lacking = tuple(
        side.name
        for side, each in zip(comparison.sides, found, strict=True)
        if name not in each.rses
    )
    if len(lacking) == len(found):
        return Measured(skipped=f"neither {' nor '.join(lacking)} lists it")
    if lacking:
        return _judged(comparison, [f"{lacking[0]} does not list {name}"], lacking, Missing)
    ignored = tools.case.test.options.ignore
    changes = [each for each in compared.changes.get(name, ()) if not _ignored(each, ignored)]
    one_sided = any(change.sign != "~" for change in changes)
    sentences = list(_sentences(changes, *(side.name for side in comparison.sides)))
    return _judged(comparison, sentences, (), Missing if one_sided else Unclassified)


def _ignored(change: Change, patterns: tuple[str, ...]) -> bool:
    section = "distances" if change.what.startswith("distance ") else change.what
    known = section.removeprefix("attributes.")
    return any(fnmatchcase(known, pattern) for pattern in patterns)


def _sentences(changes: list[Change], one: str, other: str) -> Iterator[str]:
    for change in changes:
        what = change.what.removeprefix("attributes.")
        if change.sign == "~":
            yield f"{what} is {change.before} in {one} and {change.after} in {other}"
            continue
        has = one if change.sign == "-" else other
        value = change.before if change.sign == "-" else change.after
        yield f"only {has} has {value if what == 'endpoint' else f'{what}: {value}'}"


def _judged(
    comparison: Comparison,
    sentences: list[str],
    lacking: tuple[str, ...],
    kind: type[DriverError],
) -> Measured:
    measures: dict[str, Any] = {"between": _names(comparison)}
    if not sentences:
        return Measured(measures=measures)
    measures["differences"] = sentences
    if lacking:
        measures["missing_in"] = list(lacking)
    return Measured(measures=measures, error=kind("; ".join(sentences), side="service"))


def _names(comparison: Comparison) -> list[str]:
    return [side.name for side in comparison.sides]


def _comparison(tools: Tools) -> Comparison:
    comparison = tools.case.test.comparison
    assert comparison is not None
    return comparison


def _found(tools: Tools) -> Compared:
    found: Compared = tools.shared[tools.case.needs[0].address]
    return found


STEPS: Steps = {"read": read, "complete": complete, "agree": agree}
