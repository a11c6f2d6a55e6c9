"""Rucio as a service of the lake: a real server, whose conveyor works with the lake's FTS."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rucio.common.exception import AccessDenied, RuleNotFound

from lakecheck.devlake import Lake
from lakecheck.devlake.account import server_account
from tests.devlake.rucio_client import RucioClient, until
from tests.devlake.services import killed_is_started_again, service

DAEMONS = {
    "abacus-account",
    "abacus-collection-replica",
    "abacus-rse",
    "conveyor-finisher",
    "conveyor-poller",
    "conveyor-submitter",
    "judge-cleaner",
    "judge-evaluator",
    "judge-injector",
    "judge-repairer",
    "necromancer",
    "reaper",
    "undertaker",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("rucio")
    with service(folder, "rucio", only=["LAKE-1", "LAKE-2"]) as lake:
        yield lake


@pytest.fixture(scope="module")
def rucio(lake: Lake) -> RucioClient:
    return RucioClient(lake)


def copies(lake: Lake, name: str) -> dict[str, bytes]:
    """What lies on the disks of which RSE."""
    return {
        rse: path.read_bytes()
        for rse in lake.rses
        for path in lake.data_dir(rse).rglob(name)
        if path.is_file()
    }


def gone(rucio: RucioClient, rule: str) -> bool:
    try:
        rucio.state(rule)
    except RuleNotFound:
        return True
    return False


def test_an_upload_is_copied_by_a_rule_and_deleted_when_that_expires(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    content = os.urandom(100_000)
    rucio.upload("LAKE-1", "moved", content, tmp_path)
    assert copies(lake, "moved") == {"LAKE-1": content}
    rule = rucio.rule("moved", "QOS=CHEAP")
    until(lambda: rucio.state(rule) == "OK")
    assert copies(lake, "moved") == {"LAKE-1": content, "LAKE-2": content}

    rucio.plain.update_replication_rule(rule, {"lifetime": 1})
    until(lambda: gone(rucio, rule))
    until(lambda: copies(lake, "moved") == {"LAKE-1": content})
    [replica] = rucio.plain.list_replicas([{"scope": "testing", "name": "moved"}])
    assert replica["states"] == {"LAKE-1": "AVAILABLE"}


def test_a_rule_is_stuck_where_its_destination_refuses_and_goes_on_when_that_is_well(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    rucio.upload("LAKE-1", "stuck", b"x" * 1000, tmp_path)
    lake.fault("LAKE-2", "deny")
    rule = rucio.rule("stuck", "LAKE-2")
    until(lambda: rucio.state(rule) == "STUCK")
    lake.fault("LAKE-2", "none")
    assert "Permission refused" in rucio.plain.get_replication_rule(rule)["error"]
    assert set(copies(lake, "stuck")) == {"LAKE-1"}
    until(lambda: rucio.state(rule) == "OK")
    assert set(copies(lake, "stuck")) == {"LAKE-1", "LAKE-2"}


def test_a_rule_survives_servers_that_are_killed_in_mid_transfer(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    rucio.upload("LAKE-1", "survives", b"y" * 1000, tmp_path)
    lake.fault("fts", "queue=3")
    rule = rucio.rule("survives", "LAKE-2")
    time.sleep(1)  # submitted, and not copied yet
    assert rucio.state(rule) == "REPLICATING"
    for name in ("rucio-daemons", "rucio"):
        killed_is_started_again(lake, name)
    until(lambda: rucio.state(rule) == "OK")
    lake.fault("fts", "none")
    assert copies(lake, "survives")["LAKE-2"] == b"y" * 1000


def test_daemons_can_be_halted_by_themselves(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    rucio.upload("LAKE-1", "waits", b"z", tmp_path)
    lake.halt("rucio-daemons")
    rule = rucio.rule("waits", "LAKE-2")
    time.sleep(2)
    assert rucio.state(rule) == "REPLICATING"
    lake.resume("rucio-daemons")
    until(lambda: rucio.state(rule) == "OK")


def test_heartbeats_tell_which_daemons_live(lake: Lake, rucio: RucioClient) -> None:
    root = RucioClient(lake, "root")
    until(lambda: set(root.heartbeats()) == DAEMONS)
    process = lake.server("rucio-daemons").process
    assert process
    assert {each["pid"] for each in root.heartbeats().values()} == {process.pid}

    os.kill(process.pid, signal.SIGSTOP)
    before = root.heartbeats()
    time.sleep(4)
    assert root.heartbeats() == before
    os.kill(process.pid, signal.SIGCONT)
    until(lambda: root.heartbeats()["reaper"] != before["reaper"])
    assert lake.server("rucio-daemons").process == process


def test_what_the_lake_has_is_registered(lake: Lake, rucio: RucioClient) -> None:
    exported = RucioClient(lake, "root").plain.export_data()
    assert set(exported["rses"]) == {"LAKE-1", "LAKE-2"}
    attributes = exported["rses"]["LAKE-2"]["attributes"]
    assert attributes["fts"] == lake.services["fts"]["plain"]
    assert (attributes["QOS"], attributes["country"]) == ("CHEAP", "FR")
    assert exported["distances"]["LAKE-1"]["LAKE-2"]["distance"] == 1
    schemes = [each["scheme"] for each in exported["rses"]["LAKE-1"]["protocols"]]
    assert sorted(schemes) == ["davs", "root"]
    with pytest.raises(AccessDenied):
        rucio.plain.add_rse("MINE")


def test_it_runs_as_the_servers_account_on_loopback_only(lake: Lake) -> None:
    first, last = lake.record.ports
    found = [
        each
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and first <= each.laddr.port <= last
    ]
    port = int(lake.services["rucio"]["url"].rpartition(":")[2])
    assert {each.laddr.ip for each in found if each.laddr.port == port} == {"127.0.0.1"}
    for name in ("rucio", "rucio-daemons"):
        process = lake.server(name).process
        assert process
        assert psutil.Process(process.pid).uids().real == server_account().uid


def test_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake.start(tmp_path / "lake", only=["LAKE-1"], services=["rucio"])
    family = psutil.Process(lake.record.supervisor.pid).children(recursive=True)
    assert sum("gunicorn" in " ".join(each.cmdline()) for each in family) == 2
    os.kill(lake.record.supervisor.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    lake.stop()
