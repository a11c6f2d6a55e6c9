"""What is asked of every service of a lake."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from lakecheck.devlake import Lake
from tests.devlake.conftest import processes_of


@contextmanager
def service(folder: Path, name: str, only: Sequence[str] = (), gsi: bool = False) -> Iterator[Lake]:
    """A lake with one service; afterwards nothing of it may run, whoever started it."""
    with Lake.start(folder, only=only, services=[name], gsi=gsi) as lake:
        run, ports, supervisor = lake.record.run, lake.record.ports, lake.record.supervisor.pid
        yield lake
        family = psutil.Process(supervisor).children(recursive=True)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert processes_of(run) == []
    assert listening(*ports) == []
    assert not Path(run).exists()


def listening(first: int, last: int) -> list[int]:
    """Ports of a lake on which something still listens."""
    found = psutil.net_connections("tcp")
    ports = {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}
    return sorted(port for port in ports if first <= port <= last)


def owners(lake: Lake) -> set[int]:
    """Who the servers run as, and whose their data are."""
    found = set()
    for server in lake.record.servers:
        assert server.process
        found.add(psutil.Process(server.process.pid).uids().real)
    data = Path(lake.record.home, "data")
    return found | {path.lstat().st_uid for path in data.rglob("*")}


def killed_is_started_again(lake: Lake, name: str) -> None:
    """Kill a server and wait for the next."""
    before = lake.server(name)
    assert before.process
    os.kill(before.process.pid, 9)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        now = lake.server(name)
        if now.state == "up" and now.restarts > before.restarts:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} does not come back")
