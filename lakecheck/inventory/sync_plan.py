"""What must be done at a Rucio so that it knows what another catalogue says; pure.

What the other catalogue does not tell stays as it is, and nothing is deleted unless it is asked
for. Each step may be repeated without harm, and a plan made anew after any of them is what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lakecheck.inventory.differences import USUAL, Sign, shown
from lakecheck.inventory.registration import (
    FAR,
    NEAR,
    Key,
    Protocol,
    Registration,
    Registry,
)
from lakecheck.spec.locks import Distances

IMPL = "rucio.rse.protocols.gfal.Default"  # speaks them all
NOTHING = Registration({}, {}, {})


class Call(Struct, frozen=True):
    """One call of a method of Rucio's client."""

    method: str
    arguments: tuple[Any, ...]
    named: dict[str, Any] = {}


class Step(Struct, frozen=True):
    """One thing to do; `before` and `after` are None where there is nothing."""

    sign: Sign
    rse: str
    what: str  # rse, protocol, setting NAME, attribute NAME, distance DST
    calls: tuple[Call, ...]
    before: str | None = None
    after: str | None = None


class SyncPlan(Struct, frozen=True):
    """All steps in their order, how much Rucio alone has that stays, and what it cannot take."""

    steps: tuple[Step, ...]
    kept: int = 0
    ignored: tuple[str, ...] = ()


def plan(wanted: Registry, there: Registry, prune: bool) -> SyncPlan:
    """Compare what is wanted with what is there: RSE by RSE, then the distances between them."""
    steps: list[Step] = []
    for name, registration in wanted.rses.items():
        known = there.rses.get(name)
        if known is None:
            steps.append(Step("+", name, "rse", tuple(_creation(name, registration))))
        else:
            steps += _settings(name, registration, known)
        steps += _protocols(name, registration, known or NOTHING)
        steps += _attributes(name, registration, known or NOTHING)
    steps += _distances(wanted.distances or {}, there.distances or {})
    left = [*_distances_left(wanted, there), *_left(wanted, there)]
    ignored = tuple(_untakable(wanted))
    if prune:
        return SyncPlan((*steps, *left), ignored=ignored)
    return SyncPlan(tuple(steps), len(left), ignored)


def _creation(name: str, wanted: Registration) -> Iterator[Call]:
    settings = dict(wanted.settings)
    quality = settings.pop("qos_class", None)  # which a creation does not take
    yield Call("add_rse", (name,), settings)
    if quality is not None:
        yield Call("update_rse", (name, {"qos_class": quality}))


def _untakable(wanted: Registry) -> Iterator[str]:
    for name, registration in wanted.rses.items():
        for protocol in registration.protocols.values():
            if not _takable(protocol):
                yield f"{name} {protocol.url}: Rucio takes no SRM without its web_service_path"


def _takable(protocol: Protocol) -> bool:
    return protocol.scheme != "srm" or "web_service_path" in (protocol.extended or {})


def _settings(name: str, wanted: Registration, there: Registration) -> Iterator[Step]:
    for key, value in wanted.settings.items():
        before = there.settings.get(key)
        if before is None or shown(before) != shown(value):
            call = Call("update_rse", (name, {key: value}))
            sign: Sign = "+" if before is None else "~"
            told = None if before is None else shown(before)
            yield Step(sign, name, f"setting {key}", (call,), told, shown(value))


def _protocols(name: str, wanted: Registration, there: Registration) -> Iterator[Step]:
    for priority, (key, protocol) in enumerate(wanted.protocols.items(), 1):
        known = there.protocols.get(key)
        if not _takable(protocol):
            continue
        if known is None:
            call = Call("add_protocol", (name, _parameters(protocol, priority)))
            yield Step("+", name, "protocol", (call,), after=protocol.url)
            continue
        changes = dict(_changes(protocol, known))
        if changes:
            scheme, host, port = key
            call = Call("update_protocols", (name, scheme, _told(protocol, changes), host, port))
            before = ", ".join(f"{what}={old}" for what, (old, _) in changes.items())
            after = ", ".join(f"{what}={new}" for what, (_, new) in changes.items())
            yield Step("~", name, f"protocol {scheme}://{host}:{port}", (call,), before, after)


def _parameters(protocol: Protocol, priority: int) -> dict[str, Any]:
    """Give what Rucio wants to know of a new protocol."""
    every = {"lan": dict.fromkeys(NEAR, priority), "wan": dict.fromkeys((*NEAR, *FAR), priority)}
    return {
        "scheme": protocol.scheme,
        "hostname": protocol.hostname,
        "port": protocol.port,
        "prefix": protocol.prefix,
        "impl": protocol.impl or IMPL,
        "domains": protocol.domains or every,
        "extended_attributes": dict(protocol.extended) if protocol.extended else None,
    }


def _changes(wanted: Protocol, there: Protocol) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give what differs of what is told: its name, and how it is and shall be."""
    if wanted.prefix.rstrip("/") != there.prefix.rstrip("/"):  # one place, as for `diff`
        yield "prefix", (there.prefix, wanted.prefix)
    if wanted.impl and wanted.impl != there.impl:
        yield "impl", (str(there.impl), wanted.impl)
    if wanted.extended is not None and wanted.extended != there.extended:
        yield "extended_attributes", (str(there.extended), str(wanted.extended))
    for domain, row in (wanted.domains or {}).items():
        known = (there.domains or {}).get(domain, {})
        for operation, priority in row.items():
            if known.get(operation) != priority:
                told = (str(each or 0) for each in (known.get(operation), priority))
                before, after = told
                yield f"{domain}.{operation}", (before, after)


def _told(wanted: Protocol, changes: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "prefix" in changes:
        found["prefix"] = wanted.prefix
    if "impl" in changes:
        found["impl"] = wanted.impl
    if "extended_attributes" in changes:
        found["extended_attributes"] = dict(wanted.extended or {})
    if any("." in name for name in changes):
        found["domains"] = wanted.domains
    return found


def _attributes(name: str, wanted: Registration, there: Registration) -> Iterator[Step]:
    for key, value in wanted.attributes.items():
        before = there.attributes.get(key)
        add = Call("add_rse_attribute", (name, key, value))
        if before is None:
            yield Step("+", name, f"attribute {key}", (add,), after=shown(value))
        elif shown(before) != shown(value):
            # Rucio has no call that changes one.
            calls = (Call("delete_rse_attribute", (name, key)), add)
            yield Step("~", name, f"attribute {key}", calls, shown(before), shown(value))


def _distances(wanted: Distances, there: Distances) -> Iterator[Step]:
    for name, row in wanted.items():
        for other, value in row.items():
            before = there.get(name, {}).get(other)
            if before == value:
                continue
            method = "add_distance" if before is None else "update_distance"
            call = Call(method, (name, other, {"distance": value}))
            sign: Sign = "+" if before is None else "~"
            told = None if before is None else str(before)
            yield Step(sign, name, f"distance {other}", (call,), told, str(value))


def _distances_left(wanted: Registry, there: Registry) -> Iterator[Step]:
    """Give the steps that delete distances between RSEs that are wanted."""
    if wanted.distances is None or there.distances is None:
        return
    for name, row in there.distances.items():
        for other, value in row.items():
            both = name in wanted.rses and other in wanted.rses
            if both and other not in wanted.distances.get(name, {}):
                call = Call("delete_distance", (name, other))
                yield Step("-", name, f"distance {other}", (call,), str(value))


def _left(wanted: Registry, there: Registry) -> Iterator[Step]:
    """Give the steps that delete what else Rucio alone has."""
    for name, known in there.rses.items():
        if name not in wanted.rses:
            yield Step("-", name, "rse", (Call("delete_rse", (name,)),))
            continue
        told = wanted.rses[name]
        for key, value in known.attributes.items():
            usual = USUAL.get(key) == shown(value)  # and perhaps no attribute at all
            if key not in told.attributes and not usual:
                call = Call("delete_rse_attribute", (name, key))
                yield Step("-", name, f"attribute {key}", (call,), shown(value))
        for place, protocol in known.protocols.items():
            if place not in told.protocols:
                yield Step("-", name, "protocol", (_without(name, place),), protocol.url)


def _without(name: str, key: Key) -> Call:
    scheme, host, port = key
    return Call("delete_protocols", (name, scheme), {"hostname": host, "port": port})
