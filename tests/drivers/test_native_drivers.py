"""What gfal2 and XRootD in worker processes promise beyond the conformance suite."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakecheck import registry
from lakecheck.devlake import Lake
from lakecheck.drivers.worker_session import WorkerSession
from lakecheck.errors import Overloaded, TesterFailed
from lakecheck.model import NOBODY, DriverChoice
from tests.drivers.processes import await_end
from tests.drivers.situations import endpoint

NATIVE = ["gfal2", "xrootd"]


def opened(driver: str) -> WorkerSession:
    session = registry.load("drivers", driver).open(DriverChoice(driver))
    assert isinstance(session, WorkerSession)
    return session


@pytest.mark.parametrize(
    ("driver", "words"),
    [("gfal2", "apt-get install python3-gfal2"), ("xrootd", r"pip install 'lakecheck\[xrootd\]'")],
)
def test_a_library_that_is_missing_names_its_package(
    monkeypatch: pytest.MonkeyPatch, driver: str, words: str
) -> None:
    def absent(name: str, package: str | None = None) -> Any:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", absent)
    with pytest.raises(TesterFailed, match=words):
        opened(driver)


@pytest.mark.parametrize("driver", NATIVE)
def test_a_library_that_crashes_ends_its_own_call_only(
    lake: Lake, tmp_path: Path, driver: str
) -> None:
    end = endpoint(lake.rses["LAKE-2"].root, str(lake.ca))

    async def use() -> None:
        session = opened(driver)
        storage = session.storage(end, NOBODY, 60.0)
        await storage.mkdir(f"{end.url}/crash-{driver}")
        (pid,) = session.pool.pids
        lake.fault("LAKE-2", "hang-data")
        try:
            file = lake.data_dir("LAKE-2") / f"crash-{driver}" / "file"
            file.write_bytes(b"x")
            hung = asyncio.create_task(storage.get(f"{end.url}/crash-{driver}/file"))
            await asyncio.sleep(0.5)
            os.kill(pid, signal.SIGSEGV)
            with pytest.raises(TesterFailed, match="SIGSEGV"):
                await asyncio.wait_for(hung, 60)
        finally:
            lake.fault("LAKE-2", "none")
        assert await asyncio.wait_for(storage.get(f"{end.url}/crash-{driver}/file"), 60) == 1
        left = session.pool.pids
        await session.close()
        assert await_end(left) == []

    asyncio.run(use())


WRITER = """
import sys
from XRootD import client
from XRootD.client.flags import OpenFlags
file = client.File()
status, _ = file.open(sys.argv[1], OpenFlags.NEW | OpenFlags.UPDATE, 0o644)
print(status.ok, flush=True)
sys.stdin.read()
file.close()
"""


@pytest.mark.parametrize("driver", NATIVE)
def test_a_file_that_another_one_writes_is_busy(lake: Lake, driver: str) -> None:
    end = endpoint(lake.rses["LAKE-1"].root, str(lake.ca))
    url = f"{end.url}/locked-{driver}"

    async def use() -> None:
        session = opened(driver)
        with pytest.raises(Overloaded):
            await session.storage(end, NOBODY, 30.0).get(url)
        await session.close()

    command = [sys.executable, "-c", WRITER, url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "True\n"
        asyncio.run(use())
        writer.communicate("")


@pytest.mark.parametrize("driver", NATIVE)
def test_closing_leaves_neither_process_nor_file(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    end = endpoint(lake.rses["LAKE-1"].root, str(lake.ca))

    async def use() -> tuple[int, ...]:
        session = opened(driver)
        await session.storage(end, NOBODY, 60.0).stat(end.url)
        pids = session.pool.pids
        await session.close()
        return pids

    pids = asyncio.run(use())
    assert len(pids) == 1
    assert await_end(pids) == []
    assert os.listdir(tmp_path) == []
