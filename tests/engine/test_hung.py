"""A hung endpoint among fifty healthy ones delays nobody, and what waits for it is blocked."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import (
    by_address,
    documents,
    lakecheck,
    memory_rses,
    seconds,
    start,
    wait_for,
    workers_of,
    write,
)

HEALTHY = [f"R{number}" for number in range(50)]


def grace() -> float:
    """Seconds after its timeout in which a run ends: five, more on a machine that is crowded."""
    return 5.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def check(folder: Path, timeout: float) -> None:
    """Whatever touches a hung RSE timed out or is blocked by that; all else passed."""
    found = by_address(folder)
    touched = {name: one for name, one in found.items() if "HUNG" in one["case"].split(".")[0]}
    assert touched
    assert {one["status"] for name, one in found.items() if name not in touched} <= {"passed"}
    for name in [name for name, one in touched.items() if one["status"] == "passed"]:
        # An upload that hangs in the data leaves a file, and that can be removed.
        assert name.startswith("f::HUNG-hang-data.")
        assert name.endswith(".delete")
        del touched[name]
    assert {one["error.class"] for one in touched.values()} == {"timeout"}
    assert "tester" not in {one["error.side"] for one in touched.values()}
    for one in touched.values():
        assert one["status"] in ("failed", "blocked")
        if one["status"] == "blocked":
            blocker = one["blocked_by"]
            assert blocker.endswith(".seed") or found[blocker]["status"] == "failed"
    assert seconds(folder) <= timeout + grace()


FUNCTIONAL = "  f: {kind: functional, timeout: 2s, driver: DRIVER}\n"
COPIES = "  c: {kind: tpc, timeout: 2s, mesh: {star: HUNG}, sizes: [1kB], driver: DRIVER}\n"


@pytest.mark.parametrize(
    "tests",
    [FUNCTIONAL, COPIES, FUNCTIONAL + COPIES, COPIES + FUNCTIONAL],
    ids=["functional", "copies", "functional-first", "copies-first"],
)
def test_in_memory(tmp_path: Path, tests: str) -> None:
    driver = "{name: memory, on: {HUNG: {faults: {upload: hang, copy: hang}}}}"
    text = f"{memory_rses([*HEALTHY, 'HUNG'])}tests:\n{tests.replace('DRIVER', driver)}"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    check(tmp_path / "out", 2)


def test_a_storage_that_hangs_in_copies_only_is_found_out_by_several_partners(
    tmp_path: Path,
) -> None:
    driver = "{name: memory, on: {HUNG: {faults: {copy: hang}}}}"
    text = f"{memory_rses([*HEALTHY, 'HUNG'])}tests:\n{COPIES.replace('DRIVER', driver)}"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out").values()
    failed = [one for one in found if one["status"] == "failed"]
    assert 2 <= len(failed) <= 8  # as many as one RSE may have in flight
    assert {one["status"] for one in found} == {"failed", "blocked"}
    assert {one["error.class"] for one in found} == {"timeout"}
    assert seconds(tmp_path / "out") <= 2 + grace()


WAYS = {"LAKE-3": "hang", "LAKE-4": "hang-tls", "LAKE-5": "hang-data"}


@pytest.fixture(scope="module")
def hung_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    only = ["LAKE-1", "LAKE-2", *WAYS]
    with Lake.start(tmp_path_factory.mktemp("hung"), only=only) as lake:
        for rse, fault in WAYS.items():
            lake.fault(rse, fault)
        yield lake


def inventory(lake: Lake) -> str:
    """Fifty RSEs on healthy servers, each in a folder of its own, and one hung in each way."""
    lines = [f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n"]
    for number, name in enumerate(HEALTHY):
        server = lake.rses[f"LAKE-{number % 2 + 1}"].endpoints
        url = server["davs" if number % 4 > 1 else "root"]
        lines.append(f"    {name}: {{endpoints: ['{url}/{name}']}}\n")
    for rse, fault in WAYS.items():
        urls = ", ".join(f"'{url}'" for url in lake.rses[rse].endpoints.values())
        lines.append(f"    HUNG-{fault}: {{endpoints: [{urls}]}}\n")
    return f"{''.join(lines)}tests:\n"


@pytest.mark.parametrize("driver", ["gfal2", "native"])
def test_real_servers(hung_lake: Lake, tmp_path: Path, driver: str) -> None:
    text = inventory(hung_lake)
    text += f"  f: {{kind: functional, timeout: 6s, driver: {driver}}}\n"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    check(tmp_path / "out", 6)
    hung = {one["rse"] for one in documents(tmp_path / "out") if one["status"] == "failed"}
    assert hung == {f"HUNG-{fault}" for fault in WAYS.values()}
    if driver == "gfal2":
        assert " is killed in put " in (tmp_path / "out" / "run.log").read_text()


@pytest.mark.parametrize("order", [1, -1], ids=["functional-first", "copies-first"])
def test_real_servers_with_copies(hung_lake: Lake, tmp_path: Path, order: int) -> None:
    tests = [
        "  f: {kind: functional, timeout: 6s, on: 'R1*|HUNG*'}\n",
        "  t: {kind: tpc, timeout: 6s, on: 'R2|R3|HUNG*', protocols: [davs], sizes: [1kB]}\n",
    ]
    text = inventory(hung_lake) + "".join(tests[::order])

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    check(tmp_path / "out", 6)


def crashed(folder: Path, code: int) -> None:
    """What crashed is ours to mend; the fifty others passed, long before a case's time of 60 s."""
    assert code == 10
    found = by_address(folder).values()
    healthy = [one["status"] for one in found if one["rse"] in HEALTHY]
    assert healthy == ["passed"] * 5 * len(HEALTHY)
    ours = [one for one in found if one["rse"] == "HUNG"]
    assert [one["status"] for one in ours] == ["error"] + ["blocked"] * 4
    assert {(one["error.class"], one["error.side"]) for one in ours} == {("tester", "tester")}
    assert seconds(folder) <= 20 + grace()


def test_a_crashing_worker_delays_nobody(tmp_path: Path) -> None:
    driver = "{name: memory, on: {HUNG: {faults: {upload: crash}}}}"
    text = memory_rses([*HEALTHY, "HUNG"])
    text += f"tests:\n  f: {{kind: functional, driver: {driver}}}\n"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    crashed(tmp_path / "out", done.returncode)


def at_work(pid: int, port: int) -> list[psutil.Process]:
    """Workers of a run that are connected to a port of this machine."""
    found = []
    for worker in workers_of(pid):
        with contextlib.suppress(psutil.Error):
            peers = {each.raddr.port for each in worker.net_connections() if each.raddr}
            if port in peers:
                found.append(worker)
    return found


@pytest.mark.parametrize("scheme", ["davs", "root"])
def test_a_segmentation_fault_in_gfal2_delays_nobody(
    hung_lake: Lake, tmp_path: Path, scheme: str
) -> None:
    hung = hung_lake.rses["LAKE-3"].endpoints[scheme]
    text, _, _ = inventory(hung_lake).partition("    HUNG-")
    text += f"    HUNG: {{endpoints: ['{hung}']}}\n"
    text += "tests:\n  f: {kind: functional, timeout: 60s}\n"
    out, port = tmp_path / "out", urlsplit(hung).port
    assert port
    process = start("run", write(tmp_path, text), "-o", out, cwd=tmp_path)
    wait_for(lambda: at_work(process.pid, port))

    for worker in at_work(process.pid, port):
        worker.send_signal(signal.SIGSEGV)
    process.communicate(timeout=90)

    crashed(out, process.returncode)
    (first,) = (one for one in documents(out) if one["status"] == "error")
    assert "SIGSEGV" in first["error.message"]
