"""The steps of a usage test."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from lakecheck.conditions import fields_of
from lakecheck.drivers.rucio_session import Rucio
from lakecheck.drivers.rucio_usage import Count, Holding, Source
from lakecheck.errors import DriverError, Missing, ProtocolError, TesterFailed, TimedOut
from lakecheck.model import Test
from lakecheck.probes.base import Measured, Probe, Steps, Tools
from lakecheck.probes.usage_experiments import OTHER, Experiments, of_account, of_scope

OWN = "rucio"  # source of what Rucio counts itself
TOLD = ("free", "total", "stored")  # what only a storage can say

Measure = Callable[[Tools, Rucio, str], Awaitable[Measured]]


class Disputed(Struct, frozen=True):
    """What accounts of several experiments hold in a scope of none."""

    holding: Holding
    experiments: tuple[str, ...]


def _patient(measure: Measure) -> Probe:
    """Ask until the case's time is over, then say what Rucio's silence was."""

    async def step(tools: Tools) -> Measured:
        assert tools.case.endpoint is not None
        rucio: Rucio = await tools.service()
        try:
            return await measure(tools, rucio, tools.case.endpoint.rse)
        except asyncio.CancelledError:
            if not tools.late:
                raise
            return Measured(error=_late(tools.case.test.timeout, rucio.silence))

    return step


def _late(timeout: float, silence: DriverError | None) -> DriverError:
    limit = f"{timeout:g}s, the time of the whole case"
    if silence is None:
        return TimedOut(f"Rucio has not told it within {limit}", side="service")
    told = f"{silence.message} (for so long that {limit}, was over)"
    return type(silence)(told, code=silence.code, side=silence.side, phase=silence.phase)


async def space(tools: Tools, rucio: Rucio, rse: str) -> Measured:
    """Rucio counts what an RSE has, and was told what is free there."""
    sources = await rucio.usage.sources(rse)
    total = _total(sources, rse)
    measures: dict[str, Any] = {"used": total.bytes, "files": total.files}
    measures["sources"] = [_without_none(source) for _, source in sorted(sources.items())]
    storage = sources.get(tools.case.test.options.storage, Source(""))
    if storage.free is not None:
        measures["free"] = storage.free
        measures["total"] = storage.free + (storage.used or 0)
    if storage.used is not None:
        measures["stored"] = storage.used
    missing = [name for name in TOLD if name not in measures and _promised(tools.case.test, name)]
    return Measured(measures=measures, error=_untold(tools, missing, sources) if missing else None)


def _without_none(source: Source) -> dict[str, Any]:
    told = {"name": source.name, "used": source.used, "free": source.free, "files": source.files}
    return {key: value for key, value in told.items() if value is not None}


def _promised(test: Test, name: str) -> bool:
    """Whether a condition is about a field, so that its absence must not pass."""
    named = {field.name for condition in test.expect for field in fields_of(condition.tree)}
    return bool(named & {f"usage.{name}", f"space.usage.{name}"})


def _untold(tools: Tools, missing: Iterable[str], sources: Iterable[str]) -> DriverError:
    return Missing(
        f'Rucio was not told by a source "{tools.case.test.options.storage}" what expect asks for '
        f"(usage.{', usage.'.join(missing)}); sources of {tools.case.place}: "
        f"{', '.join(sorted(sources))}. Have them set, or name another as storage",
        side="service",
    )


def _total(sources: Mapping[str, Source], rse: str) -> Count:
    own = sources.get(OWN)
    if own is None:
        raise Missing(f"Rucio has no count of its own for {rse}", side="service")
    total = Count(own.used or 0, own.files or 0)
    if total.bytes < 0 or total.files < 0:
        told = f"{total.bytes} bytes in {total.files} files"
        raise ProtocolError(f"Rucio counts {told} on {rse}: its counter is wrong", side="service")
    return total


async def accounts(tools: Tools, rucio: Rucio, rse: str) -> Measured:
    """Rucio counts what the rules of each account hold."""
    sources, counts = await asyncio.gather(rucio.usage.sources(rse), rucio.usage.accounts(rse))
    return Measured(measures=_listed("accounts", counts, _total(sources, rse)))


async def scopes(tools: Tools, rucio: Rucio, rse: str) -> Measured:
    """Rucio has datasets and single files of each scope."""
    sources, held = await asyncio.gather(rucio.usage.sources(rse), rucio.usage.holdings(rse))
    return Measured(measures=_listed("scopes", by_scope(held), _total(sources, rse)))


def _listed(name: str, counts: Mapping[str, Count], total: Count) -> dict[str, Any]:
    largest = sorted(counts.items(), key=lambda each: (-each[1].bytes, each[0]))
    other, surplus = rest(counts.values(), total)
    return {
        "used": total.bytes,
        "files": total.files,
        name: [
            {"name": each, "used": count.bytes, "files": count.files} for each, count in largest
        ],
        "other": other.bytes,
        "other_files": other.files,
        **_surplus(surplus),
    }


def _surplus(surplus: Count) -> dict[str, int]:
    return {"surplus": surplus.bytes, "surplus_files": surplus.files}


def rest(parts: Iterable[Count], total: Count) -> tuple[Count, Count]:
    """Give what parts lack of a total, and by how much they exceed it: parts + lack - excess."""
    known = sum(parts, Count())
    over = Count(max(0, known.bytes - total.bytes), max(0, known.files - total.files))
    under = Count(max(0, total.bytes - known.bytes), max(0, total.files - known.files))
    return under, over


def by_scope(holdings: Iterable[Holding]) -> dict[str, Count]:
    """Sum what is held, by scope."""
    found: dict[str, Count] = defaultdict(Count)
    for each in holdings:
        found[each.scope] += each.count
    return dict(found)


def by_experiment(
    holdings: Iterable[Holding], experiments: Experiments
) -> tuple[dict[str, Count], list[Disputed]]:
    """Sum what is held, by experiment: that of the scope, else that of the accounts."""
    found = dict.fromkeys(experiments, Count())
    disputed: list[Disputed] = []
    for each in holdings:
        owners = of_scope(experiments, each.scope) or set().union(
            *(of_account(experiments, account) for account in each.accounts)
        )
        if len(owners) > 1:
            disputed.append(Disputed(each, tuple(sorted(owners))))
        for owner in owners if len(owners) == 1 else ():
            found[owner] += each.count
    return found, disputed


async def used(tools: Tools, rucio: Rucio, rse: str) -> Measured:
    """An experiment's share of what is there, or what is no experiment's."""
    sources, held = await asyncio.gather(rucio.usage.sources(rse), rucio.usage.holdings(rse))
    counts, disputed = by_experiment(held, tools.case.test.options.experiments)
    name = tools.case.experiment
    total = _total(sources, rse)
    if name == OTHER:
        other, surplus = rest(counts.values(), total)
        share = {"used": other.bytes, "files": other.files, **_surplus(surplus)}
        return Measured(measures={"experiment": name, **share})
    mine = [each for each in disputed if name in each.experiments]
    share = {"used": counts[name].bytes, "files": counts[name].files}
    return Measured(measures={"experiment": name, **share}, error=_unclear(mine) if mine else None)


def _unclear(disputed: list[Disputed]) -> DriverError:
    first = disputed[0]
    count = f"{len(disputed)} datasets or files" if len(disputed) > 1 else "one dataset or file"
    return TesterFailed(
        f"accounts of {' and '.join(first.experiments)} hold {count} in scopes of no experiment "
        f"({first.holding.scope}:{first.holding.name}), counted as {OTHER}; "
        f"name the scope {first.holding.scope} in one of them"
    )


STEPS: Steps = {
    "space": _patient(space),
    "accounts": _patient(accounts),
    "scopes": _patient(scopes),
    "used": _patient(used),
}
