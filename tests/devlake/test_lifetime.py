from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lakecheck.devlake import Lake
from lakecheck.devlake.lake import find
from lakecheck.devlake.record import read_record
from lakecheck.devlake.teardown import end
from lakecheck.errors import LakecheckError
from tests.devlake.clients import Clients
from tests.devlake.conftest import processes_of

WITHIN = 90.0  # s, for what takes well under one on a quiet machine
KINDS = ["LAKE-1", "LAKE-GSIFTP", "LAKE-APACHE"]


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def mounts_of(folder: Path) -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]


def lakecheck(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from lakecheck.cli import main; main()", *arguments]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    lake = Lake.start(tmp_path / "lake", only=KINDS)
    try:
        yield lake
    finally:
        lake.stop()


def test_stop_leaves_logs_and_nothing_else(lake: Lake) -> None:
    run = lake.record.run
    assert len(processes_of(run)) == len(KINDS)
    lake.stop()
    lake.stop()
    assert processes_of(run) == []
    assert not Path(run).exists()
    assert mounts_of(lake.folder) == []
    assert sorted(path.name for path in lake.folder.iterdir()) == ["log", "supervisor.log"]


def test_servers_die_with_a_killed_supervisor(lake: Lake) -> None:
    clients = Clients(lake, lake.folder)
    # A session of GridFTP that hangs in the data is a process of its own.
    lake.fault("LAKE-GSIFTP", "hang-data")
    command = ["gfal-copy", f"file://{clients.local}", f"{lake.rses['LAKE-GSIFTP'].gsiftp}/x"]
    environment = {
        **os.environ,
        "GFAL_PYTHONBIN": "/usr/bin/python3",
        "X509_CERT_DIR": str(lake.ca),
        "X509_USER_PROXY": str(lake.proxy),
    }
    record = lake.record
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as hanging:
        until(lambda: len(processes_of(record.run)) > len(KINDS))
        os.kill(record.supervisor.pid, signal.SIGKILL)
        until(lambda: processes_of(record.run) == [])
        hanging.kill()
    assert find(lake.folder) is None
    assert end(lake.folder) is True
    assert end(lake.folder) is False
    assert not Path(record.run).exists()


def test_a_lake_starts_where_another_was_killed(lake: Lake) -> None:
    os.kill(lake.record.supervisor.pid, signal.SIGKILL)
    until(lambda: find(lake.folder) is None)
    with Lake.start(lake.folder, only=["LAKE-1"]) as again:
        assert Clients(again, again.folder).upload(f"{again.rses['LAKE-1'].davs}/x") == 0


def test_orders_to_a_killed_lake_have_a_way_out(lake: Lake) -> None:
    os.kill(lake.record.supervisor.pid, signal.SIGKILL)
    until(lambda: find(lake.folder) is None)
    with pytest.raises(LakecheckError, match=r"does not answer .* `lakecheck lake down`"):
        lake.fault("LAKE-1", "hang")


def test_a_lake_ends_when_its_folder_is_removed(lake: Lake) -> None:
    record = lake.record
    shutil.rmtree(lake.folder)
    until(lambda: record.supervisor.running() is None)
    assert processes_of(record.run) == []


def test_a_killed_server_comes_back_on_its_port(lake: Lake) -> None:
    before = {server.name: server for server in lake.record.servers}
    for server in before.values():
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)
    until(lambda: all(s.state == "up" and s.restarts == 1 for s in lake.record.servers))
    assert {s.name: s.address for s in lake.record.servers} == {
        name: server.address for name, server in before.items()
    }
    clients = Clients(lake, lake.folder)
    for rse in lake.rses.values():
        for url in rse.endpoints.values():
            assert clients.upload(f"{url}/x") == 0, clients.said


def test_a_server_that_answers_no_more_is_restarted(lake: Lake) -> None:
    stopped = next(server for server in lake.record.servers if server.name == "LAKE-1")
    assert stopped.process is not None
    os.kill(stopped.process.pid, signal.SIGSTOP)
    until(lambda: lake.record.servers[0].restarts == 1 and lake.record.servers[0].state == "up")
    assert "LAKE-1 does not answer; restarted" in (lake.folder / "supervisor.log").read_text()


def test_a_bound_lake_ends_with_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    code = (
        "import sys, time; from lakecheck.devlake import Lake\n"
        "lake = Lake.start(sys.argv[1], only=['LAKE-1'])\n"
        "print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        record = read_record(folder)
        assert record is not None
        owner.kill()
    until(lambda: record.supervisor.running() is None)
    assert processes_of(record.run) == []


@pytest.mark.parametrize(
    ("how", "moment"),
    [
        (signal.SIGINT, "at once"),
        (signal.SIGINT, "servers start"),
        (signal.SIGTERM, "at once"),
        (signal.SIGKILL, "servers start"),
    ],
)
def test_an_interrupted_up_leaves_nothing(tmp_path: Path, how: signal.Signals, moment: str) -> None:
    folder = tmp_path / "lake"
    known = set(psutil.pids())
    command = lakecheck("lake", "up", "--dir", str(folder), "--rses", "1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as starting:
        log = folder / "supervisor.log"
        until(log.exists if moment == "at once" else (folder / "lake.json").exists)
        record = read_record(folder)
        starting.send_signal(how)
        output, errors = starting.communicate(timeout=WITHIN)
    if how == signal.SIGINT:
        assert starting.returncode == 2
        assert b"Traceback" not in output + errors

    def left() -> list[str]:
        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            command = " ".join(process.info["cmdline"] or [])
            if process.info["pid"] not in known and str(folder) in command:
                found.append(command)
        return found

    until(lambda: not left())
    assert find(folder) is None
    assert not (folder / "inventory.lake.yaml").exists()
    assert mounts_of(folder) == []
    assert record is None or not Path(record.run).exists()
