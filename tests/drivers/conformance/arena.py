"""What a test of the suite gets in its hands, and how all places are tested at once."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lakecheck import registry
from lakecheck.devlake import Lake
from lakecheck.drivers.base import Copied, Copier, Payload, Session, Storage
from lakecheck.model import Algorithm, DriverChoice
from tests.drivers.conformance.places import DRIVERS, Link, Place, credential, endpoint

TIMEOUT = 20.0  # seconds, for the libraries' own waits
PATIENCE = 100.0  # seconds, for one test at all places


class Call(NamedTuple):
    """One item of the suite: a test at a place or over a link, with its other parameters."""

    test: Callable[..., Awaitable[None]]
    argument: str
    where: Any
    rest: tuple[tuple[str, object], ...]


class Arena:
    """One place with a connected storage and a folder of its own."""

    def __init__(self, bench: Bench, place: Place, session: Session, test: str) -> None:
        self.bench = bench
        self.place = place
        self.session = session
        self.endpoint = endpoint(bench.lake, place.rse, place.scheme)
        self.credential = credential(bench.lake, place.rse)
        self.storage: Storage = session.storage(self.endpoint, self.credential, TIMEOUT)
        self.folder = f"{self.endpoint.url}/{place.driver}/{test}"

    def url(self, name: str = "file") -> str:
        return f"{self.folder}/{quote(name)}"

    def files(self) -> list[Path]:
        """What the folder holds, seen on the storage's own disks."""
        rse = self.bench.lake.rses.get(self.place.rse)
        inside = self.folder.removeprefix(self.endpoint.url).lstrip("/")
        return [path for top in (rse.data if rse else ()) for path in (top / inside).glob("*")]


class Route:
    """One link with a copier, and storages at both ends."""

    def __init__(self, bench: Bench, link: Link, session: Session, test: str) -> None:
        self.link = link
        self.session = session
        self.bench = bench
        ends = [Place(link.driver, rse, link.scheme) for rse in (link.source, link.destination)]
        base = f"{test}-{link.source}-{link.destination}-{link.mode}"
        self.source = Arena(bench, ends[0], session, base)
        self.destination = Arena(bench, ends[1], session, base)
        self.copier: Copier = session.copier(
            self.source.endpoint, self.destination.endpoint, self.source.credential, TIMEOUT
        )

    async def copy(self, algorithm: Algorithm | None, size: int) -> Copied:
        """Copy the source's `file` to a folder of the destination that is not there yet."""
        return await self.copier.copy(
            self.source.url(), self.destination.url("new/copy"), self.link.mode, algorithm, size
        )


class Bench:
    """The lake, one loop, and a session of each driver, for the whole suite."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.lake = lake
        self.folder = folder
        self._runner = asyncio.Runner()
        self._sessions: dict[str, Session] = {}
        self._outcomes: dict[Call, BaseException | None] = {}
        self._numbers = itertools.count()
        # Imported before anything else runs: pytest rewrites asserts while it imports, and
        # CPython 3.11 fails where two threads parse at once.
        self._drivers = {name: registry.load("drivers", name) for name in DRIVERS}

    def payload(self, size: int, seed: int = 0) -> Payload:
        path = self.folder / f"{size}-{seed}"
        pattern = bytes((seed + 7 * i + (i >> 8)) % 256 for i in range(min(size, 65521)))
        body = (pattern * (size // 65521 + 1))[:size]
        if not path.exists():
            path.write_bytes(body)
        return Payload(str(path), size, f"{zlib.adler32(body):08x}", hashlib.md5(body).hexdigest())

    def outcome(self, call: Call, selected: list[Call]) -> BaseException | None:
        """What a test gave at one place; the first one asks for all that were selected."""
        if call not in self._outcomes:
            alike = [one for one in selected if (one.test, one.rest) == (call.test, call.rest)]
            self._outcomes |= self._runner.run(self._all(alike))
        return self._outcomes[call]

    async def _all(self, calls: list[Call]) -> dict[Call, BaseException | None]:
        outcomes = await asyncio.gather(*map(self._one, calls), return_exceptions=True)
        return dict(zip(calls, outcomes, strict=True))

    async def _one(self, call: Call) -> None:
        name = f"{call.test.__name__.removeprefix('test_')}-{next(self._numbers)}"
        session = self.session(call.where.driver)
        kind = Arena if isinstance(call.where, Place) else Route
        async with asyncio.timeout(PATIENCE):
            given = kind(self, call.where, session, name.replace("_", "-"))
            await call.test(**{call.argument: given}, **dict(call.rest))

    def session(self, driver: str) -> Session:
        if driver not in self._sessions:
            self._sessions[driver] = self._drivers[driver].open(DriverChoice(driver))
        return self._sessions[driver]

    def close(self) -> None:
        for session in self._sessions.values():
            self._runner.run(session.close())
        self._runner.close()
