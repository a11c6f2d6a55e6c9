"""What lies in lakecheck's folders, also where an RSE redirects and each server has a part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from lakecheck.drivers.base import Storage
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.tools import folder_url
from lakecheck.errors import LakecheckError, Missing, TimedOut
from lakecheck.model import NOBODY, Case, Credential, DriverChoice, Endpoint, Inventory
from lakecheck.plan.matrix import family

NATIVE = DriverChoice("native")
# PROPFIND is redirected to one server only, another one each time: ask until nothing new comes,
# so many times in a row.
BRIEF, THOROUGH = 1, 3
MOST = 12


class Place(Struct, frozen=True):
    """An endpoint, and with which driver, credential and time limit cases use it."""

    endpoint: Endpoint
    driver: DriverChoice
    credential: str
    timeout: float = 0.0  # s; 0: no case uses it


class Found(Struct):
    """Names in one folder with the place where each was seen; `trouble` says why not all."""

    folder: str
    names: dict[str, Place] = {}
    trouble: str = ""


def places(cases: Iterable[Case], inventory: Inventory | None = None) -> list[list[Place]]:
    """Group all places of cases, then of an inventory, by RSE and path; root endpoints first."""
    found: dict[tuple[str, str, str, str], Place] = {}
    for case in (case for case in cases if case.driven):
        for end in (case.source, case.endpoint):
            if end and end.url:
                _add(found, Place(end, case.driver, case.credential, case.test.timeout))
    used = {place.endpoint.url for place in found.values()}
    for rse in inventory.rses.values() if inventory else ():
        for end in rse.endpoints:
            if end.url not in used:
                _add(found, Place(end, rse.driver or DriverChoice(), rse.credential))
    groups: dict[tuple[str, str], list[Place]] = {}
    for place in found.values():
        key = (place.endpoint.rse, place.endpoint.path.strip("/"))
        groups.setdefault(key, []).append(place)
    return [
        sorted(group, key=lambda place: family(place.endpoint.scheme) != "root")
        for group in _distinct(groups.values())
    ]


def _distinct(groups: Iterable[list[Place]]) -> Iterator[list[Place]]:
    """Leave out groups whose endpoints an earlier one has: RSEs may share a storage."""
    seen: set[tuple[str, str, str]] = set()
    for group in groups:
        keys = {(place.endpoint.url, place.driver.name, place.credential) for place in group}
        if not keys <= seen:
            seen |= keys
            yield group


def _add(found: dict[tuple[str, str, str, str], Place], place: Place) -> None:
    key = (place.endpoint.rse, place.endpoint.url, place.driver.name, place.credential)
    found.setdefault(key, place)


async def look(
    group: Iterable[Place],
    sessions: Sessions,
    credentials: Mapping[str, Credential],
    timeout: float,
    care: int = THOROUGH,
) -> Found:
    """List one folder through the first place of a group that tells all of it; never raises.

    `care` is how many listings over HTTP must tell nothing new.
    """
    found: Found | None = None
    for place in group:
        found = found or Found(folder_url(place.endpoint))
        for way in _ways(place, care):
            credential = credentials.get(place.credential, NOBODY)
            try:
                async with asyncio.timeout(timeout):
                    # With the limit of its cases it shares their connections.
                    limit = place.timeout or timeout
                    storage = sessions.storage(way, place.endpoint, credential, limit)
                    await _list(storage, place, way, found, care)
            except (TimeoutError, LakecheckError) as error:
                found.trouble = found.trouble or str(error) or f"no answer within {timeout:g}s"
                if isinstance(error, TimeoutError | TimedOut):
                    break  # another driver would wait as long
            else:
                found.trouble = ""
                return found
    assert found is not None
    return found


def _ways(place: Place, care: int) -> list[DriverChoice]:
    """Drivers to list with, in order: gfal2 lists no redirector over root, and caches redirects.

    Brief looks do not mind: each run's gfal2 is sent to another server, and loading the native
    driver takes longer than they do.
    """
    if place.driver.name != "gfal2":
        return [place.driver]
    protocol = family(place.endpoint.scheme)
    if protocol == "root":
        return [place.driver, NATIVE]
    if protocol not in ("davs", "dav"):
        return [place.driver]
    return [NATIVE, place.driver] if care > BRIEF else [place.driver, NATIVE]


async def _list(storage: Storage, place: Place, way: DriverChoice, found: Found, care: int) -> None:
    """Add the names that a storage tells; a folder that is not there has none."""
    protocol = family(place.endpoint.scheme)
    again = protocol in ("davs", "dav") and way.name != "gfal2"
    quiet, least = 0, care if again else 0
    for _ in range(MOST):
        before = len(found.names)
        try:
            for entry in await storage.list(folder_url(place.endpoint)):
                found.names.setdefault(entry.name, place)
        except Missing:
            # Through gfal2 that is also what a redirector's own, empty disk looks like.
            if protocol == "root" and way.name == "gfal2":
                raise
        quiet = 0 if len(found.names) > before else quiet + 1
        if quiet >= least:
            return
