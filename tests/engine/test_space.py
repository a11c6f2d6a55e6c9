"""A destination holds no more than its running copies write; remains of crashed runs are swept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from lakecheck.engine.listing import Place
from lakecheck.engine.sweep import A_RUN, _turn, age
from tests.engine.runs import by_address, lakecheck, memory_rses, plant, statuses, write

DAY = 86400.0


@pytest.fixture
def small_destination(pair: Lake) -> Iterator[Lake]:
    """LAKE-2 has room for 12 MB."""
    pair.fault("LAKE-2", "full:12MB")
    try:
        yield pair
    finally:
        pair.fault("LAKE-2", "none")


@pytest.mark.parametrize(
    ("scheme", "driver"), [("davs", "native"), ("davs", "gfal2"), ("root", "native")]
)
def test_a_mesh_of_ten_times_the_destinations_room_passes(
    small_destination: Lake, tmp_path: Path, scheme: str, driver: str
) -> None:
    lake, copies = small_destination, 24
    source = lake.rses["LAKE-1"].endpoints[scheme]
    destination = lake.rses["LAKE-2"].endpoints[scheme]
    rses = "".join(f"    S{n}: {{endpoints: ['{source}/s{n}']}}\n" for n in range(copies))
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n{rses}"
        f"    D: {{endpoints: ['{destination}'], tpc: [pull]}}\n"
        "tests:\n  c: {kind: tpc, mesh: {star: D}, sizes: [5MB], timeout: 1m, "
        f"driver: {driver}}}\n"
    )

    done = lakecheck(
        "run", write(tmp_path, text), "-k", "~D", "--per-rse", 2, "-o", "out", cwd=tmp_path
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(tmp_path / "out") == {"passed": copies}
    assert list((lake.data_dir("LAKE-2") / "lakecheck").iterdir()) == []


def test_a_native_copy_into_a_full_storage_names_its_host(pair: Lake, tmp_path: Path) -> None:
    source, destination = (pair.rses[rse].davs for rse in ("LAKE-1", "LAKE-2"))
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {pair.ca}\n  rses:\n"
        f"    S: {{endpoints: ['{source}']}}\n    D: {{endpoints: ['{destination}']}}\n"
        "tests:\n  c: {kind: tpc, sizes: [5MB], timeout: 1m, driver: native, modes: [pull]}\n"
    )
    pair.fault("LAKE-2", "full:1MB")
    try:
        lakecheck("run", write(tmp_path, text), "-k", "S~D", "-o", "out", cwd=tmp_path)
    finally:
        pair.fault("LAKE-2", "none")

    (found,) = by_address(tmp_path / "out").values()
    assert (found["error.class"], found["error.side"]) == ("full", "destination")
    assert found["error.host"] == destination.split("/")[2]


@pytest.mark.parametrize("fault", ["corrupt", "full:1MB"])
@pytest.mark.parametrize("scheme", ["davs", "root"])
def test_a_copy_that_is_spoiled_at_the_destination_is_held_against_it(
    pair: Lake, tmp_path: Path, scheme: str, fault: str
) -> None:
    source, destination = (pair.rses[rse].endpoints[scheme] for rse in ("LAKE-1", "LAKE-2"))
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {pair.ca}\n  rses:\n"
        f"    S: {{endpoints: ['{source}']}}\n    D: {{endpoints: ['{destination}']}}\n"
        "tests:\n  c: {kind: tpc, sizes: [5MB], timeout: 1m}\n"
    )
    pair.fault("LAKE-2", fault)
    try:
        done = lakecheck("run", write(tmp_path, text), "-k", "S~D", "-o", "out", cwd=tmp_path)
    finally:
        pair.fault("LAKE-2", "none")

    assert done.returncode == 1, done.stdout + done.stderr
    (found,) = by_address(tmp_path / "out").values()
    assert found["status"] == "failed"
    assert found["error.class"] == ("checksum" if fault == "corrupt" else "full")
    assert list((pair.data_dir("LAKE-2") / "lakecheck").iterdir()) == []


def test_without_emptying_it_would_not_have_fitted(small_destination: Lake, tmp_path: Path) -> None:
    lake = small_destination
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n"
        f"    D: {{endpoints: ['{lake.rses['LAKE-2'].davs}']}}\n"
        "tests:\n  f: {kind: functional, sizes: [20MB], timeout: 1m}\n"
    )

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out")["f::D.davs.20MB.upload"]
    assert found["status"] == "failed"
    assert list((lake.data_dir("LAKE-2") / "lakecheck").iterdir()) == []


def stamp(ago: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - ago))


def test_old_remains_are_swept_young_and_foreign_ones_stay(pair: Lake, tmp_path: Path) -> None:
    folder = pair.data_dir("LAKE-1") / "lakecheck"
    text = f"lakecheck: 1\ninclude: [{pair.inventory}]\ntests:\n  f: {{kind: functional}}\n"
    file = write(tmp_path, text)
    lakecheck("run", file, "-o", "first", cwd=tmp_path)  # makes the folder
    old = folder / f"{stamp(1.5 * DAY)}-0a1b2c3d-0123456789abcdef"
    young = folder / f"{stamp(0.5 * DAY)}-0a1b2c3d-0123456789abcdef"
    foreign = folder / "20200101-results.txt"
    status = folder.stat()
    for each in (old, young, foreign):
        each.write_bytes(b"left")
        os.chown(each, status.st_uid, status.st_gid)
    temporary = tmp_path / "tmp"
    crashed = temporary / f"lakecheck-{stamp(2 * DAY)}-0a1b2c3d-{os.getuid()}"
    recent = temporary / f"lakecheck-{stamp(0)}-0a1b2c3d-{os.getuid()}"
    for each in (crashed, recent):
        each.mkdir(parents=True)

    done = lakecheck("run", file, "-o", "out", cwd=tmp_path, TMPDIR=str(temporary))

    left = set(folder.iterdir())
    for each in left:
        each.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert left == {young, foreign}
    assert list(temporary.iterdir()) == [recent]
    assert old.name in (tmp_path / "out" / "run.log").read_text()


# Over davs alone a redirector shows one server a listing, as it likes: nothing can be promised.
@pytest.mark.parametrize("schemes", [["root", "davs"], ["root"]], ids="+".join)
def test_both_servers_of_a_redirecting_rse_are_swept(
    lake: Lake, tmp_path: Path, schemes: list[str]
) -> None:
    ends = [lake.rses["LAKE-REDIR"].endpoints[scheme] for scheme in schemes]
    rse = f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n    R: {{endpoints: {ends}}}\n"
    file = write(tmp_path, f"{rse}tests:\n  f: {{kind: functional, timeout: 1m}}\n")
    planted = [
        plant(lake, server, f"{stamp(3 * DAY)}-0a1b2c3d") for server in (0, 1) for _ in range(2)
    ]
    young = [plant(lake, server, f"{stamp(0.5 * DAY)}-0a1b2c3d") for server in (0, 1)]
    try:
        for attempt in range(3):  # a crowded machine may need more than one run's housekeeping
            done = lakecheck("run", file, "-o", f"out-{attempt}", cwd=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
            if not any(each.exists() for each in planted):
                break

        assert [each for each in planted if each.exists()] == []
        assert [each for each in young if not each.exists()] == []
    finally:
        for each in (*planted, *young):
            each.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20261121T090000Z-7f3a90c1-0123456789abcdef", 3600.0),
        ("20261121T090000Z-7f3a90c1", 3600.0),
        ("20261321T090000Z-7f3a90c1-0123456789abcdef", None),
        ("20261121T090000Z-XYZ", None),
        ("results.txt", None),
    ],
)
def test_the_age_of_a_file_is_in_its_name(name: str, expected: float | None) -> None:
    assert age(name, 1795255200.0) == expected  # 2026-11-21T10:00:00Z


def test_a_memory_mesh_leaves_nothing(tmp_path: Path) -> None:
    text = memory_rses("ABC") + "tests:\n  c: {kind: tpc, driver: memory, sizes: [1kB]}\n"

    lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    ledger = (tmp_path / "out" / "created.ndjson").read_text().splitlines()
    assert len(ledger) == 2 * (6 + 3)


def test_in_a_large_lake_each_run_sweeps_another_part() -> None:
    groups: list[list[Place]] = [[] for _ in range(100)]
    marked = {id(group): number for number, group in enumerate(groups)}

    def turn(run_id: str) -> set[int]:
        return {marked[id(group)] for group in _turn(groups, run_id)}

    assert len(turn("20261121T090000Z-00000000")) == A_RUN
    every = set().union(*(turn(f"20261121T090000Z-{start:08x}") for start in range(0, 100, A_RUN)))
    assert every == set(range(100))
