"""The WebDAV driver at real servers that misbehave."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lakecheck.devlake import Lake
from lakecheck.drivers.base import Payload
from lakecheck.drivers.webdav import DRIVER
from lakecheck.drivers.webdav_storage import WebdavStorage
from lakecheck.errors import (
    Corrupt,
    DriverError,
    Missing,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import NOBODY, DriverChoice
from tests.drivers.conformance.places import endpoint

LIMIT = 2.0  # seconds, for the driver's own waits


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of this file's own, whose servers are spoilt."""
    folder = tmp_path_factory.mktemp("spoilt")
    with Lake.start(folder, only=["LAKE-1", "LAKE-REDIR"]) as lake:
        yield lake


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    body = os.urandom(200_000)
    (tmp_path / "payload").write_bytes(body)
    md5 = hashlib.md5(body).hexdigest()
    return Payload(str(tmp_path / "payload"), len(body), f"{zlib.adler32(body):08x}", md5)


def at(
    lake: Lake, rse: str, act: Callable[[WebdavStorage], Awaitable[None]], limit: float = LIMIT
) -> None:
    async def run() -> None:
        session = DRIVER.open(DriverChoice("webdav"))
        try:
            async with asyncio.timeout(60):
                await act(session.storage(endpoint(lake, rse, "davs"), NOBODY, limit))
        finally:
            await session.close()

    asyncio.run(run())


async def failed(call: Awaitable[object]) -> DriverError:
    with pytest.raises(DriverError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("fault", "error", "phase"),
    [
        ("refuse", Unreachable, "connect"),
        ("hang", TimedOut, "connect"),
        ("hang-tls", TimedOut, "request"),
        ("untrusted", TlsFailed, "tls"),
    ],
)
def test_no_way_in(spoilt: Lake, fault: str, error: type[DriverError], phase: str) -> None:
    async def act(storage: WebdavStorage) -> None:
        began = time.monotonic()
        found = await failed(storage.stat(f"{storage.endpoint.url}/file"))
        assert (type(found), found.phase, found.side) == (error, phase, "storage")
        assert found.host == urlsplit(storage.endpoint.url).netloc
        assert time.monotonic() - began < 30

    spoilt.fault("LAKE-1", fault)
    try:
        at(spoilt, "LAKE-1", act)
    finally:
        spoilt.fault("LAKE-1", "none")


def test_a_name_that_does_not_resolve(spoilt: Lake) -> None:
    async def act(storage: WebdavStorage) -> None:
        found = await failed(storage.stat("davs://nowhere.invalid:443/file"))
        assert (type(found), found.side, found.phase) == (Unreachable, "network", "resolve")

    at(spoilt, "LAKE-1", act)


def test_data_that_hangs(spoilt: Lake, payload: Payload) -> None:
    async def act(storage: WebdavStorage) -> None:
        url = f"{storage.endpoint.url}/hangs"
        await storage.put(url, payload)
        spoilt.fault("LAKE-1", "hang-data")
        try:
            assert type(await failed(storage.get(url, payload))) is TimedOut
            assert type(await failed(storage.put(f"{url}-too", payload))) is TimedOut
        finally:
            spoilt.fault("LAKE-1", "none")

    at(spoilt, "LAKE-1", act)


def test_corruption_is_seen(spoilt: Lake, payload: Payload) -> None:
    async def act(storage: WebdavStorage) -> None:
        url = f"{storage.endpoint.url}/corrupt"
        spoilt.fault("LAKE-1", "corrupt")
        try:
            await storage.put(url, payload)
            assert type(await failed(storage.get(url, payload))) is Corrupt
        finally:
            spoilt.fault("LAKE-1", "none")

    at(spoilt, "LAKE-1", act)


def server_of(lake: Lake, name: str) -> int:
    """Which data server of the redirecting RSE has a file."""
    (number,) = (n for n in (0, 1) if (lake.data_dir("LAKE-REDIR", n) / name).exists())
    return number


def test_a_stopped_data_server_is_named(spoilt: Lake, payload: Payload) -> None:
    async def act(storage: WebdavStorage) -> None:
        url = f"{storage.endpoint.url}/stopped"
        await storage.put(url, payload)
        number = server_of(spoilt, "stopped") + 1
        (server,) = (s for s in spoilt.record.servers if s.name == f"LAKE-REDIR-{number}")
        assert server.process
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            found = await failed(storage.get(url, payload))
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert type(found) is TimedOut
        assert found.host == server.address
        assert found.host != urlsplit(url).netloc

    at(spoilt, "LAKE-REDIR", act, limit=4)


def test_a_dead_data_server_behind_a_living_manager_ends_in_time(
    spoilt: Lake, payload: Payload
) -> None:
    """The manager waits for it, and names no other host."""

    async def act(storage: WebdavStorage) -> None:
        url = f"{storage.endpoint.url}/dead"
        await storage.put(url, payload)
        spoilt.kill("LAKE-REDIR", server=server_of(spoilt, "dead"))
        began = time.monotonic()
        try:
            found = await failed(storage.get(url, payload))
        finally:
            spoilt.fault("LAKE-REDIR", "none")
        assert type(found) is TimedOut
        assert found.host == urlsplit(url).netloc
        assert time.monotonic() - began < 30

    at(spoilt, "LAKE-REDIR", act, limit=4)


def test_what_local_files_lack_is_the_testers(spoilt: Lake, payload: Payload) -> None:
    async def act(storage: WebdavStorage) -> None:
        url = f"{storage.endpoint.url}/local"
        found = await failed(storage.put(url, Payload("/nowhere", 3, "", "")))
        assert (found.error_class, found.side) == ("tester", "tester")
        assert "/nowhere: No such file" in found.message
        assert type(await failed(storage.stat(url))) is Missing
        await storage.put(url, payload)
        found = await failed(storage.get(url, into="/nowhere/file"))
        assert (found.error_class, found.side) == ("tester", "tester")

    at(spoilt, "LAKE-1", act)
