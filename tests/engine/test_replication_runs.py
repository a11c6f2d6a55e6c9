"""Runs of replication tests against a real Rucio, whose transfers a stand-in for FTS makes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import Lake
from tests.devlake.rucio_client import SCOPE, RucioClient, until
from tests.engine.runs import Document, by_address, documents, lakecheck, start, wait_for, write

RSES = ["LAKE-1", "LAKE-2", "LAKE-3"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("replication")
    with Lake.start(folder, only=RSES, services=["rucio"]) as lake:
        yield lake


@pytest.fixture(scope="module")
def rucio(lake: Lake) -> RucioClient:
    return RucioClient(lake)


def spec(lake: Lake, folder: Path, text: str, name: str = "t") -> Path:
    """A spec with this text below `tests:`."""
    return write(folder, f"lakecheck: 1\ninclude: [{lake.inventory}]\ntests:\n{text}\n", name)


def rep(more: str = "", name: str = "rep", timeout: str = "90s") -> str:
    return f"  {name}: {{kind: replication, via: rucio, sizes: [1kB], timeout: {timeout}, {more}}}"


def run_of(lake: Lake, folder: Path, text: str, code: int = 0, *more: str) -> dict[str, Document]:
    out = folder / "out"
    done = lakecheck("run", spec(lake, folder, text), "-o", out, *more, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    found = by_address(out)
    return {name: each for name, each in found.items() if each["kind"] == "replication"}


def checks(found: dict[str, Document]) -> dict[str, str]:
    return {name: each["status"] for name, each in found.items()}


def rules(rucio: RucioClient) -> list[dict[str, Any]]:
    return list(rucio.plain.list_replication_rules({"account": "lake"}))


def files(lake: Lake) -> list[str]:
    """What lies on the disks of the storages, as RSE/NAME."""
    return [
        f"{rse}/{path.name}"
        for rse in lake.rses
        for path in (lake.data_dir(rse) / "rucio").rglob("lakecheck.*")
        if path.is_file()
    ]


def nothing_is_left(lake: Lake, rucio: RucioClient) -> None:
    until(lambda: rules(rucio) == [], within=30)
    until(lambda: files(lake) == [], within=60)


def test_copies_rules_classes_and_datasets(lake: Lake, rucio: RucioClient, tmp_path: Path) -> None:
    text = "\n".join(
        (
            rep("on: LAKE-1|LAKE-2, mesh: ring, activity: Functional Test"),
            rep("on: LAKE-1, files: 3, rule: {to: QOS=CHEAP, copies: 2}", "two"),
            rep("files: 2, transition: {from: QOS=FAST, to: QOS=CHEAP}", "move"),
            rep("on: LAKE-1|LAKE-3, mesh: {star: LAKE-1}, gone: true, lose: true", "gone"),
            rep("on: LAKE-1|LAKE-3, mesh: {star: LAKE-1}, protocol: root", "root"),
        )
    )

    found = run_of(lake, tmp_path, text)

    assert set(checks(found).values()) == {"passed"}
    rule = found["rep::LAKE-1~LAKE-2.1kB.rule"]
    assert (rule["replication.rule_state"], rule["replication.locks_ok"]) == ("OK", 1)
    assert rule["job.id"] == rule["replication.rule"]
    assert rule["replication.did"].startswith("testing:lakecheck.")
    assert (rule["source.rse"], rule["destination.rse"]) == ("LAKE-1", "LAKE-2")
    assert found["rep::LAKE-1~LAKE-2.1kB.download"]["bytes"] == 1000
    assert found["two::LAKE-1~rule.1kB.replica"]["replication.rses"] == ["LAKE-2", "LAKE-3"]
    assert found["two::LAKE-1~rule.1kB.rule"]["replication.locks_ok"] == 6
    assert found["two::LAKE-1~rule.1kB.download"]["bytes"] == 3000
    (held,) = found["move::LAKE-1~transition.1kB.replica"]["replication.rses"]
    assert held in ("LAKE-2", "LAKE-3")
    assert found["move::LAKE-1~transition.1kB.rule"]["replication.locks_ok"] == 2
    repaired = found["gone::LAKE-1~LAKE-3.1kB.repaired"]
    assert repaired["replication.rses"] == ["LAKE-3"]
    assert all(each.get("duration", 0) >= 0 for each in found.values())
    in_one_dataset(rucio, found, "two")
    nothing_is_left(lake, rucio)


def in_one_dataset(rucio: RucioClient, found: dict[str, Document], test: str) -> None:
    """The files of a test and day are found together."""
    day = time.strftime("%Y%m%d", time.gmtime())
    names = list(rucio.plain.list_dids(SCOPE, {"name": f"lakecheck.{test}.*"}, did_type="dataset"))
    assert names == [f"lakecheck.{test}.{day}"]
    (did,) = {
        each["replication.did"].partition(":")[2]
        for name, each in found.items()
        if name.startswith(test) and "replication.did" in each
    }
    content = {each["name"] for each in rucio.plain.list_content(SCOPE, names[0])}
    assert content == {f"{did}.{number}" for number in range(3)}


def test_what_a_storage_refuses_is_told_of_uploads_and_rules(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    lake.fault("LAKE-2", "deny")
    try:
        found = run_of(lake, tmp_path, rep("on: LAKE-1|LAKE-2, files: 2"), 1)
    finally:
        lake.fault("LAKE-2", "none")

    upload = found["rep::LAKE-2.1kB.upload"]
    # Nobody was shown to a storage, which may want somebody: our own fault.
    assert (upload["status"], upload["error.class"]) == ("error", "credential")
    assert "ermission" in upload["error.message"]
    assert "Details:" not in upload["error.message"]
    for check in ("rule", "replica", "download"):
        blocked = found[f"rep::LAKE-2~LAKE-1.1kB.{check}"]
        assert (blocked["status"], blocked["blocked_by"]) == ("blocked", "rep::LAKE-2.1kB.upload")
    stuck = found["rep::LAKE-1~LAKE-2.1kB.rule"]
    assert (stuck["status"], stuck["error.class"], stuck["error.side"]) == (
        "failed",
        "denied",
        "destination",
    )
    assert stuck["error.message"].startswith("the rule is STUCK: ")
    assert stuck["replication.locks_stuck"] > 0
    nothing_is_left(lake, rucio)


def test_a_rule_whose_daemons_sleep_times_out_and_is_removed(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    lake.halt("rucio-daemons")
    try:
        text = rep("on: LAKE-1|LAKE-2, mesh: {star: LAKE-1}", timeout="8s")
        found = run_of(lake, tmp_path, text, 1, "-k", "rule")
    finally:
        lake.resume("rucio-daemons")

    # The uploads ran without a document, since nobody had asked for them.
    assert sorted(found) == ["rep::LAKE-1~LAKE-2.1kB.rule", "rep::LAKE-2~LAKE-1.1kB.rule"]
    for late in found.values():
        assert (late["error.class"], late["error.side"]) == ("timeout", "service")
        assert late["error.message"] == (
            "the rule was not OK within 8s, the time of the whole case: "
            "its state is REPLICATING, 0 of 1 files are there"
        )
    nothing_is_left(lake, rucio)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scope: nobodys, on: LAKE-1|LAKE-2", 'does the scope "nobodys" exist'),
        ("on: LAKE-1, rule: {to: NOWHERE}", "RSE Expression resulted in an empty set"),
    ],
)
def test_what_rucio_does_not_know(
    lake: Lake, rucio: RucioClient, tmp_path: Path, text: str, told: str
) -> None:
    found = run_of(lake, tmp_path, rep(text), 10)

    bad = [each for each in found.values() if each["status"] == "error"]
    assert bad
    for each in bad:
        assert each["error.side"] == "tester"
        assert told in each["error.message"]
    nothing_is_left(lake, rucio)


def test_more_copies_than_there_are_storages(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    found = run_of(lake, tmp_path, rep("on: LAKE-1, rule: {to: QOS=CHEAP, copies: 5}"), 10)

    rule = found["rep::LAKE-1~rule.1kB.rule"]
    assert (rule["status"], rule["error.class"], rule["error.side"]) == (
        "error",
        "tester",
        "tester",
    )
    assert "5 copies requested" in rule["error.message"]
    nothing_is_left(lake, rucio)


def test_a_rucio_that_is_killed_in_mid_run_is_waited_for(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start("run", spec(lake, tmp_path, rep()), "-o", out, cwd=tmp_path)
    wait_for(lambda: (out / "results.ndjson").exists() and len(documents(out)) > 3, 60)
    for name in ("rucio", "rucio-daemons"):
        server = lake.server(name).process
        assert server
        os.kill(server.pid, signal.SIGKILL)

    said, complaint = process.communicate(timeout=150)

    assert process.returncode == 0, said + complaint
    assert {each["status"] for each in by_address(out).values()} == {"passed"}
    nothing_is_left(lake, rucio)


def under_way(out: Path) -> bool:
    """Whether uploads are done and rules asked for."""
    ledger = out / "created.ndjson"
    return ledger.exists() and ledger.read_text().count('"sort":"rule"') >= 2


def killed(lake: Lake, folder: Path, how: int, *out: str) -> int:
    """Start a run of long rules, end it once it has some, and give its exit code."""
    lake.fault("fts", "queue=60")
    try:
        file = spec(lake, folder, rep("on: LAKE-1|LAKE-2"), "killed")
        process = start("run", file, *out, cwd=folder)
        reports = folder / "reports"
        wait_for(lambda: any(under_way(run) for run in reports.glob("2*")), 60)
        process.send_signal(how)
        process.communicate(timeout=60)
    finally:
        lake.fault("fts", "none")
    return process.returncode


def test_ctrl_c_leaves_nothing(lake: Lake, rucio: RucioClient, tmp_path: Path) -> None:
    assert killed(lake, tmp_path, signal.SIGINT) == 2
    nothing_is_left(lake, rucio)


@pytest.mark.parametrize("ledger", [True, False], ids=["with its ledger", "without it"])
def test_what_a_killed_run_left_is_removed_by_close(
    lake: Lake, rucio: RucioClient, tmp_path: Path, ledger: bool
) -> None:
    killed(lake, tmp_path, signal.SIGKILL)
    left = rules(rucio)
    assert len(left) >= 4
    for rule in left:  # all would end by itself
        lasts = (rule["expires_at"] - rule["created_at"]).total_seconds()
        assert lasts == pytest.approx(86400, abs=60)
    (run,) = (tmp_path / "reports").glob("2*")
    if not ledger:
        (run / "created.ndjson").unlink()

    ended = lakecheck("close", run, cwd=tmp_path)

    assert ended.returncode == 2, ended.stdout + ended.stderr
    nothing_is_left(lake, rucio)


def test_what_a_killed_run_left_is_removed_by_the_next(
    lake: Lake, rucio: RucioClient, tmp_path: Path
) -> None:
    killed(lake, tmp_path, signal.SIGKILL)
    left = {rule["id"] for rule in rules(rucio)}
    assert len(left) >= 4

    done = lakecheck("run", spec(lake, tmp_path, rep("on: LAKE-1|LAKE-2", "next")), cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_left(lake, rucio)


def test_two_runs_at_once_do_not_meet(lake: Lake, rucio: RucioClient, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "other"]
    file = spec(lake, tmp_path, rep("on: LAKE-1|LAKE-2"))
    runs = [start("run", file, "-o", out, cwd=tmp_path) for out in outs]

    for process in runs:
        said, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, said + complaint

    dids = [
        {each["replication.did"] for each in documents(out) if "replication.did" in each}
        for out in outs
    ]
    assert dids[0].isdisjoint(dids[1])
    nothing_is_left(lake, rucio)
