"""A data server that is dead or stopped behind a living manager, seen by the native libraries."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lakecheck import registry
from lakecheck.devlake import Lake
from lakecheck.drivers.base import Payload, Storage
from lakecheck.drivers.worker_session import WorkerSession
from lakecheck.errors import TimedOut
from lakecheck.model import NOBODY, DriverChoice
from tests.drivers.conformance.places import endpoint
from tests.drivers.processes import await_end
from tests.drivers.test_webdav_faults import server_of

LIMIT = 4.0  # seconds, for the library's own waits, and for the run's patience
SLACK = 5.0  # seconds, for a busy machine
Read = Callable[[Storage, str], Awaitable[object]]
READS: dict[str, Read] = {
    "stat": lambda storage, url: storage.stat(url),
    "get": lambda storage, url: storage.get(url),
}


@pytest.fixture(scope="module")
def redirecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of this file's own, whose data servers are killed."""
    with Lake.start(tmp_path_factory.mktemp("redirecting"), only=["LAKE-REDIR"]) as lake:
        yield lake


@contextmanager
def without_server(lake: Lake, name: str, how: str) -> Iterator[str]:
    """Kill or stop the server that has a file, and give its address."""
    number = server_of(lake, name)
    (server,) = (s for s in lake.record.servers if s.name == f"LAKE-REDIR-{number + 1}")
    assert server.process
    try:
        if how == "killed":
            lake.kill("LAKE-REDIR", server=number)
        else:
            os.kill(server.process.pid, signal.SIGSTOP)
        yield server.address
    finally:
        if how == "stopped":
            os.kill(server.process.pid, signal.SIGCONT)
        lake.fault("LAKE-REDIR", "none")


def opened(driver: str) -> WorkerSession:
    session = registry.load("drivers", driver).open(DriverChoice(driver))
    assert isinstance(session, WorkerSession)
    return session


def written(folder: Path) -> Payload:
    (folder / "payload").write_bytes(b"0123456789")
    return Payload(str(folder / "payload"), 10, "0aff020e", "781e5e245d69b566979b86e28d23f2c7")


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("driver", ["gfal2", "xrootd"])
def test_over_root_it_is_a_timeout_in_time(
    redirecting: Lake, tmp_path: Path, driver: str, how: str
) -> None:
    end, name = endpoint(redirecting, "LAKE-REDIR", "root"), f"{driver}-{how}"
    url, manager = f"{end.url}/{name}", urlsplit(end.url).netloc

    async def use() -> None:
        session = opened(driver)
        try:
            await session.storage(end, NOBODY, 30.0).put(url, written(tmp_path))
            storage = session.storage(end, NOBODY, LIMIT)
            with without_server(redirecting, name, how) as server:
                for step, read in READS.items():
                    began = time.monotonic()
                    with pytest.raises(TimedOut) as caught:
                        await asyncio.wait_for(read(storage, url), 60)
                    assert time.monotonic() - began < LIMIT + SLACK
                    # Of a killed server the manager says nothing, and gfal2 never tells where it
                    # was sent, nor XRootD's client of a stat that nobody answered.
                    told = (driver, how, step) == ("xrootd", "stopped", "get")
                    assert caught.value.side == "storage"
                    assert caught.value.host == (server if told else manager)
        finally:
            await session.close()

    asyncio.run(use())


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_over_davs_gfal2_hangs_until_the_run_ends_it(
    redirecting: Lake, tmp_path: Path, how: str
) -> None:
    """davix waits for more than 30 s, whatever its limits say: only its process can be ended."""
    end, name = endpoint(redirecting, "LAKE-REDIR", "davs"), f"davs-{how}"
    url = f"{end.url}/{name}"

    async def use() -> None:
        session = opened("gfal2")
        try:
            await session.storage(end, NOBODY, 30.0).put(url, written(tmp_path))
            storage = session.storage(end, NOBODY, LIMIT)
            with without_server(redirecting, name, how):
                for read in READS.values():
                    before, call = set(session.pool.pids), asyncio.ensure_future(read(storage, url))
                    await asyncio.wait([call], timeout=LIMIT)
                    hanging = set(session.pool.pids) - before
                    assert len(hanging) == 1
                    began = time.monotonic()
                    call.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await call
                    assert time.monotonic() - began < SLACK
                    assert await_end(hanging) == []
            # What it hung in is forgotten: the next call finds the server well.
            patient = session.storage(end, NOBODY, 30.0)
            assert await asyncio.wait_for(patient.get(url), 60) == 10
        finally:
            await session.close()

    asyncio.run(use())
