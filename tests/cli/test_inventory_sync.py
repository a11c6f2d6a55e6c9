"""`lakecheck inventory sync`: a real Rucio learns what a catalogue says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.cli import call
from lakecheck.devlake import Lake
from lakecheck.drivers.rucio_client import client
from lakecheck.inventory import rucio_server
from lakecheck.spec import sources
from tests.drivers.rucio import service, user
from tests.inventory import rucio
from tests.inventory.samples import BOTH, NONE, encoded, protocol, rse

BOTH_CATALOGUES = "cric: {url: cric.json}\n  rucio: {service: rucio}"
Say = Callable[..., None]


@pytest.fixture
def rucio_says(
    rucio_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], dict[str, Any]]]:
    """A spec over CRIC and Rucio; afterwards Rucio knows what it knew."""
    monkeypatch.chdir(tmp_path)
    for name, value in rucio.variables(rucio_lake).items():
        monkeypatch.setenv(name, value)
    path = rucio.write(Path("specs/a.lake.yaml"), BOTH_CATALOGUES)
    _, source = sources([path])

    def says() -> dict[str, Any]:
        return rucio_server.exported(source)

    before = json.dumps(says(), default=str)
    yield says
    rucio.write(path, BOTH_CATALOGUES)
    Path("before.json").write_text(before)
    assert call(["inventory", "sync", "--from", "rucio:before.json", "--apply", "--prune"]) == 0


def cric_says(*rses: dict[str, Any], **distances: dict[str, int]) -> None:
    told = {
        name: {other: {"distance": value, "ranking": value} for other, value in row.items()}
        for name, row in distances.items()
    }
    found = {"rses": {each["name"]: each for each in rses}, "distances": told}
    Path("specs/cric.json").write_bytes(encoded(found))


FIRST = rse(
    "FIRST",
    protocol("davs", "first.org", 443, "//pnfs/first", BOTH),
    protocol("mock", "first.org", 0, "/m", NONE),
    params={"tier": 1, "tape": False, "share": 0.5, "label": "true", "number": "7"},
    qos_class="FAST",
)
SECOND = rse("SECOND", protocol("root", "second.org", 1094, "no/slash", NONE), country_name="FR")


def test_rucio_learns_what_cric_says(
    rucio_says: Callable[[], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    cric_says(FIRST, SECOND, FIRST={"SECOND": 3}, SECOND={"FIRST": 4})
    sync = ["inventory", "sync", "--from", "cric"]

    assert call(sync) == 2
    told = capsys.readouterr().out
    assert "+ FIRST\n    + protocol: davs://first.org:443//pnfs/first\n" in told
    assert "FIRST" not in rucio_says()["rses"]
    assert call([*sync, "--apply"]) == 0
    assert capsys.readouterr().out.endswith(
        "done: create 14\nRucio alone has 2 more, which stay; --prune deletes them\n"
    )

    found = rucio_says()
    first = found["rses"]["FIRST"]
    protocols = {each["scheme"]: each for each in first["protocols"]}
    assert (protocols["davs"]["prefix"], protocols["mock"]["port"]) == ("//pnfs/first", 0)
    assert first["attributes"]["tier"] == "1"  # Rucio keeps numbers as text
    assert (first["qos_class"], first["country_name"]) == ("FAST", "DE")
    assert found["distances"]["SECOND"]["FIRST"]["distance"] == 4
    assert {"LAKE-1", "LAKE-2"} < set(found["rses"])

    for _ in range(2):
        assert call([*sync, "--apply"]) == 0
        assert "nothing to do\n" in capsys.readouterr().out
    assert call(sync) == 0
    capsys.readouterr()
    # What is registered is the same to tests; only the lake's own RSEs are more.
    assert call(["inventory", "diff", "--json", "cric", "rucio"]) == 2
    compared = json.loads(capsys.readouterr().out)
    assert (compared["added"], compared["removed"]) == (["LAKE-1", "LAKE-2"], [])
    assert compared["changed"] == []


def test_changes_are_made_and_nothing_is_deleted(
    rucio_says: Callable[[], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    one = rse("THIRD", protocol("davs", "third.org", 443, "/a", BOTH), params={"tier": 1, "x": 1})
    cric_says(one, rse("FOURTH"), THIRD={"FOURTH": 1}, FOURTH={"THIRD": 1})
    assert call(["inventory", "sync", "--from", "cric", "--apply"]) == 0
    moved = protocol("davs", "third.org", 443, "/b", NONE)
    other = rse("THIRD", moved, params={"tier": 2}, country_name="IT", availability_write=False)
    cric_says(other, rse("FOURTH"), THIRD={"FOURTH": 5})
    capsys.readouterr()

    assert call(["inventory", "sync", "--from", "cric", "--apply", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    changes = {(each["what"], each["before"], each["after"]) for each in told["changes"]}
    assert ("setting country_name", "DE", "IT") in changes
    assert ("attribute tier", "1", "2") in changes
    assert ("distance FOURTH", "1", "5") in changes
    assert (told["applied"], told["refused"], len(told["changes"])) == (5, [], 5)
    found = rucio_says()
    third = found["rses"]["THIRD"]
    assert third["attributes"]["x"] == "1"
    assert third["protocols"][0]["prefix"] == "/b"
    assert third["availability_write"] is False
    assert found["distances"]["FOURTH"]["THIRD"]["distance"] == 1
    assert call(["inventory", "sync", "--from", "cric"]) == 0


def test_a_sync_that_is_killed_goes_on(
    rucio_says: Callable[[], dict[str, Any]], rucio_lake: Lake
) -> None:
    names = [f"KILLED-{number}" for number in range(12)]
    way = protocol("davs", "x.org", 443, "/x", BOTH)
    several = [
        rse(name, way, params={f"a{number}": number for number in range(4)}) for name in names
    ]
    row = {names[0]: dict.fromkeys(names[1:], 2)}
    cric_says(*several, **row)
    program = "from lakecheck.cli import main; main()"
    sync = ["inventory", "sync", "--from", "cric", "--apply"]
    command = [sys.executable, "-c", program, *sync]
    known = client(service(rucio_lake), user(rucio_lake))

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while len([each for each in known.list_rses() if each["rse"] in names]) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert call(["inventory", "sync", "--from", "cric"]) == 2
    assert call(["inventory", "sync", "--from", "cric", "--apply"]) == 0
    assert call(["inventory", "sync", "--from", "cric"]) == 0
    found = rucio_says()
    assert set(names) < set(found["rses"])
    assert all(found["rses"][name]["attributes"]["a3"] == "3" for name in names)
    assert set(found["distances"][names[0]]) == set(names[1:])


def test_who_may_not_is_refused(
    rucio_says: Callable[[], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    cric_says(FIRST | {"name": "NEVER"})
    rucio.write(Path("specs/a.lake.yaml"), BOTH_CATALOGUES, credential="lake")

    assert call(["inventory", "sync", "--from", "cric"]) == 2
    capsys.readouterr()
    assert call(["inventory", "sync", "--from", "cric", "--apply"]) == 10

    told = capsys.readouterr().out
    assert (
        "refused: Rucio: Access to the requested resource denied. Account lake can not add R"
        in told
    )
    assert "done: nothing; 9 of 9 left" in told
    assert "NEVER" not in rucio_says()["rses"]


def test_a_deleted_rse_does_not_come_back(
    rucio_says: Callable[[], dict[str, Any]], rucio_lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    known = client(service(rucio_lake), user(rucio_lake))
    known.add_rse("DELETED")
    known.delete_rse("DELETED")
    cric_says(rse("DELETED", protocol("davs", "x.org", 443, "/x", BOTH)), rse("STAYS"))

    assert call(["inventory", "sync", "--from", "cric", "--apply"]) == 10

    told = capsys.readouterr().out
    assert "+ DELETED\n      refused: " in told
    assert "STAYS" in rucio_says()["rses"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--to", "cric"], 4, '--to: "cric" is no Rucio server; write --to rucio'),
        (["--to", "rucio:x.json"], 4, '"rucio:x.json" is no Rucio server'),
        (["--from", "nothing"], 4, 'there is no catalogue or lock "nothing"'),
        (["--from", "cric:none.json"], 10, "cannot be used: no such file"),
    ],
)
def test_what_cannot_be_synchronised(
    rucio_says: Callable[[], dict[str, Any]],
    arguments: list[str],
    code: int,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cric_says(rse("X"))
    whole = arguments if "--from" in arguments else [*arguments, "--from", "cric"]

    assert call(["inventory", "sync", *whole]) == code
    assert told in capsys.readouterr().err


def test_an_export_is_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/a.lake.yaml").write_text("lakecheck: 1\ninventory: {rucio: {export: dump.json}}\n")

    assert call(["inventory", "sync", "--from", "cric:x"]) == 4
    assert 'inventory.rucio reads "dump.json", which is no server' in capsys.readouterr().err
