"""The transfer service that misbehaves on request, dies, and goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from click.testing import CliRunner

from lakecheck.cli.lake import lake as command
from lakecheck.devlake import Lake
from lakecheck.errors import LakecheckError
from tests.devlake.fts_client import Fts, file
from tests.devlake.services import service

BIG = 400_000_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    only = ["LAKE-1", "LAKE-2", "LAKE-3"]
    with service(tmp_path_factory.mktemp("fts"), "fts", only=only) as lake:
        (lake.data_dir("LAKE-1") / "there").write_bytes(b"small")
        with (lake.data_dir("LAKE-1") / "big").open("wb") as big:
            big.truncate(BIG)
        yield lake


@pytest.fixture
def fts(lake: Lake) -> Iterator[Fts]:
    yield Fts(lake)
    lake.fault("fts", "none")


@pytest.fixture
def source(lake: Lake) -> str:
    return f"{lake.rses['LAKE-1'].davs}/there"


@pytest.fixture
def target(lake: Lake, request: pytest.FixtureRequest) -> str:
    return f"{lake.rses['LAKE-2'].davs}/{request.node.name}"


def test_a_queue_holds_files_for_a_time(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "queue=1.5")
    began = time.monotonic()
    job_id = fts.submit(file(source, target))
    time.sleep(0.7)
    assert fts.job(job_id)["job_state"] == "SUBMITTED"
    assert fts.ended(job_id)["job_state"] == "FINISHED"
    assert time.monotonic() - began > 1.4


def test_transfers_fail_with_a_reason(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "fail=DESTINATION [122] Disk quota exceeded")
    (told,) = fts.run(file(source, target))["files"]
    assert told["reason"] == "DESTINATION [122] Disk quota exceeded"
    fts.lake.fault("fts", "fail=no more")
    (told,) = fts.run(file(source, target))["files"]
    assert told["reason"] == "TRANSFER [5] no more"


def test_only_one_storages_transfers_fail(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "fail@LAKE-3=SOURCE [70] Communication error on send")
    assert fts.run(file(source, target))["job_state"] == "FINISHED"
    (told,) = fts.run(file(source, f"{fts.lake.rses['LAKE-3'].root}/x"))["files"]
    assert told["reason"] == "SOURCE [70] Communication error on send"


@pytest.mark.parametrize(("kind", "status"), [("http-500", 500), ("http-503", 503)])
def test_it_answers_with_errors_and_is_not_restarted(fts: Fts, kind: str, status: int) -> None:
    restarts = fts.lake.server("fts").restarts
    fts.lake.fault("fts", kind)
    found, told = fts.ask("GET", "/jobs")
    assert (found, told["status"][:3]) == (status, str(status))
    fts.lake.fault("fts", "none")
    assert fts.ask("GET", "/jobs")[0] == 200
    assert fts.lake.server("fts").restarts == restarts


def test_it_hangs_and_is_not_restarted(fts: Fts) -> None:
    fts.lake.fault("fts", "hang")
    with pytest.raises(urllib3.exceptions.TimeoutError):
        fts.ask("GET", "/jobs", timeout=0.5)
    time.sleep(5)  # the watchdog looks every 2 s
    fts.lake.fault("fts", "none")
    assert fts.ask("GET", "/jobs")[0] == 200
    assert fts.lake.server("fts").restarts == 0


def test_one_job_gets_lost(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "lose")
    lost, kept = (fts.submit(file(source, target + name)) for name in "ab")
    assert fts.ask("GET", f"/jobs/{lost}")[0] == 404
    assert fts.ended(kept)["job_state"] == "FINISHED"


def test_it_wants_delegation(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "419")
    status, told = fts.ask("POST", "//jobs", {"files": [file(source, target)]})
    assert status == 419
    assert "No delegation found" in told["message"]
    assert fts.ask("GET", "/jobs")[0] == 200


def test_faults_are_set_over_http_with_the_lakes_secret(fts: Fts) -> None:
    assert fts.ask("PUT", "/lake/fault", {"fault": "http-500"})[0] == 403
    fts.headers = {"Authorization": f"Bearer {fts.lake.services['fts']['control']}"}
    assert fts.ask("PUT", "/lake/fault", {"fault": "http-503"})[0] == 200
    assert fts.ask("GET", "/lake/fault") == (200, {"fault": "http-503"})
    assert fts.ask("GET", "/whoami")[0] == 503
    status, told = fts.ask("PUT", "/lake/fault", {"fault": "lazy"})
    assert (status, told["message"][:40]) == (400, 'the transfer service has no fault "lazy"')
    assert fts.ask("PUT", "/lake/fault", {"fault": "none"})[0] == 200


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("lazy", 'the transfer service has no fault "lazy"; choose one of: none, queue=SECONDS'),
        ("queue", 'the transfer service has no fault "queue"'),
        ("queue=soon", 'queue takes seconds, as in queue=30, and not "soon"'),
        ("queue=nan", 'queue takes seconds, as in queue=30, and not "nan"'),
        ("fail", 'the transfer service has no fault "fail"'),
        ("fail=", 'the transfer service has no fault "fail="'),
        ("fail@=x", 'the transfer service has no fault "fail@=x"'),
        ("fail@LAKE-9=x", 'this lake has no RSE "LAKE-9"; it has: LAKE-1, LAKE-2, LAKE-3'),
    ],
)
def test_a_fault_that_is_none_is_refused(fts: Fts, words: str, sentence: str) -> None:
    with pytest.raises(LakecheckError) as refused:
        fts.lake.fault("fts", words)
    assert str(refused.value).startswith(sentence)


def test_the_command_line_tells_the_fault(fts: Fts) -> None:
    folder = ["--dir", str(fts.lake.folder)]
    done = CliRunner().invoke(command, ["fault", *folder, "fts", "queue=3"])
    assert (done.exit_code, done.output) == (0, "fts has the fault queue=3 now.\n")
    assert "queue=3" in CliRunner().invoke(command, ["status", *folder]).output
    done = CliRunner().invoke(command, ["fault", *folder, "fts", "none"])
    assert done.output == "fts is well.\n"
    assert "queue=3" not in CliRunner().invoke(command, ["status", *folder]).output


def test_jobs_outlive_a_killed_service(fts: Fts, lake: Lake, source: str, target: str) -> None:
    copy = lake.data_dir("LAKE-2") / target.rpartition("/")[2]
    lake.fault("LAKE-2", "hang-data")
    job_id = fts.submit(
        file(source.replace("there", "big"), target), verify_checksum="both", priority=5
    )
    canceled = fts.submit(file(source.replace("there", "big"), target + "-canceled"))
    unfinished = copy.with_name(copy.name + "-canceled")
    fts.until(job_id, lambda job: copy.exists() and unfinished.exists())
    fts.ask("DELETE", f"/jobs/{canceled}")
    before = lake.server("fts")
    assert before.process
    os.kill(before.process.pid, 9)
    lake.fault("LAKE-2", "none")
    lake.halt("fts")
    assert unfinished.exists()
    lake.resume("fts")
    job = fts.ended(job_id)
    assert job["job_state"] == "FINISHED"
    assert job["priority"] == 5
    assert copy.stat().st_size == BIG
    assert "to be copied anew: 1\n" in Path(lake.server("fts").log).read_text()
    assert fts.job(canceled)["job_state"] == "CANCELED"
    deadline = time.monotonic() + 20
    while unfinished.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
