"""Ways in which storages fail, asked for on real servers."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lakecheck import registry
from lakecheck.devlake import Lake
from lakecheck.drivers.base import Copier, Payload, Session, Storage
from lakecheck.errors import DriverError
from lakecheck.model import NOBODY, Credential, DriverChoice, Endpoint, Mode

Way = tuple[str, str]  # driver, protocol
Situation = Callable[["Scene"], Awaitable[object]]
PATIENCE = 100.0  # s; only bounds a hanging test
_numbers = itertools.count()


class Ground:
    """A lake with X.509 and one without, and credentials of every quality."""

    def __init__(self, locked: Lake, opened: Lake, folder: Path) -> None:
        self.locked = locked
        self.opened = opened
        self.payload = _payload(folder / "payload")
        self.strange_ca = folder / "strange-ca"
        self.credentials = {"none": NOBODY, "good": _x509("good", locked.proxy)}
        self.credentials["stranger"] = _x509("stranger", locked.stranger)
        self.credentials["expired"] = _x509("expired", folder / "expired.pem")
        self.credentials["garbage"] = _x509("garbage", folder / "garbage.pem")
        self.credentials["absent"] = _x509("absent", folder / "absent.pem")

    def rse(self, scheme: str, second: bool = False) -> str:
        if scheme == "gsiftp":
            return "LAKE-GSIFTP"
        return "LAKE-2" if second else "LAKE-1"

    def endpoint(self, scheme: str, lake: Lake, second: bool = False, ca: str = "") -> Endpoint:
        url = lake.rses[self.rse(scheme, second)].endpoints[scheme]
        return endpoint(url, ca or str(lake.ca))


class Scene:
    """One driver at work in a situation."""

    def __init__(self, ground: Ground, driver: str, scheme: str, session: Session) -> None:
        self.ground = ground
        self.driver = driver
        self.scheme = scheme
        self.session = session

    def storage(
        self, who: str = "good", end: Endpoint | None = None, timeout: float = 60.0
    ) -> tuple[Storage, str]:
        """A storage and a URL on it that nothing has used yet."""
        end = end or self.ground.endpoint(self.scheme, self.lake(who))
        storage = self.session.storage(end, self.ground.credentials[who], timeout)
        return storage, f"{end.url}/{_name()}"

    def lake(self, who: str) -> Lake:
        return self.ground.opened if who == "anonymous" else self.ground.locked

    async def file(self, who: str = "good") -> tuple[Storage, str]:
        storage, url = self.storage(who)
        await storage.put(url, self.ground.payload)
        return storage, url

    async def link(self) -> tuple[Copier, str, str]:
        """A copier, a source that is there and a destination that is not."""
        lake = self.ground.locked
        ends = [self.ground.endpoint(self.scheme, lake, second) for second in (False, True)]
        copier = self.session.copier(*ends, self.ground.credentials["good"], 60.0)
        _, source = await self.file()
        return copier, source, f"{ends[1].url}/{_name()}"

    async def copy(self, copier: Copier, source: str, destination: str, mode: Mode) -> None:
        await copier.copy(source, destination, mode, "adler32", self.ground.payload.size)

    @contextmanager
    def fault(self, kind: str, second: bool = False) -> Iterator[None]:
        rse, lake = self.ground.rse(self.scheme, second), self.ground.locked
        lake.fault(rse, kind)
        try:
            yield
        finally:
            lake.fault(rse, "none")


def endpoint(url: str, ca: str) -> Endpoint:
    place = urlsplit(url)
    assert place.hostname
    assert place.port
    scheme = place.scheme
    path = url.partition(place.netloc)[2]
    return Endpoint("RSE", url, scheme, place.hostname, place.port, path, scheme, ca=ca)


@asynccontextmanager
async def scene(ground: Ground, driver: str, scheme: str) -> AsyncIterator[Scene]:
    session = registry.load("drivers", driver).open(DriverChoice(driver))
    try:
        yield Scene(ground, driver, scheme, session)
    finally:
        await session.close()


async def play(scene: Scene, situation: Situation) -> DriverError | None:
    """The error with which a situation ends."""
    try:
        await asyncio.wait_for(situation(scene), PATIENCE)
    except DriverError as error:
        return error
    return None


async def play_alone(ground: Ground, way: Way, situation: Situation) -> DriverError | None:
    """Play with connections of its own: those of others break when a server is spoiled."""
    async with scene(ground, *way) as alone:
        return await play(alone, situation)


async def play_together(ground: Ground, calm: Sequence[tuple[Way, Situation]]) -> list[Any]:
    """Play what spoils no server at once, with shared connections."""
    async with AsyncExitStack() as open_scenes:
        scenes = {}
        for way in {way for way, _ in calm}:
            scenes[way] = await open_scenes.enter_async_context(scene(ground, *way))
        return await asyncio.gather(*(play(scenes[way], situation) for way, situation in calm))


def _x509(name: str, path: Path) -> Credential:
    return Credential(name, "x509", str(path))


def _name() -> str:
    return f"situation-{next(_numbers)}"


def _payload(path: Path) -> Payload:
    content = bytes(range(256)) * 4
    path.write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Payload(str(path), len(content), f"{zlib.adler32(content):08x}", md5)
