"""The transfer service of a lake: real copies, told as FTS tells them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import Lake
from tests.devlake.fts_client import Fts, file
from tests.devlake.services import service

CONTENT = b"what is transferred\n" * 50_000
ADLER = "ADLER32:"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("fts")
    with service(
        folder, "fts", only=["LAKE-1", "LAKE-2", "LAKE-3", "LAKE-GSIFTP", "LAKE-APACHE"]
    ) as lake:
        for rse in ("LAKE-1", "LAKE-3"):
            (lake.data_dir(rse) / "there").write_bytes(CONTENT)
        yield lake


@pytest.fixture
def fts(lake: Lake) -> Fts:
    return Fts(lake)


@pytest.fixture
def source(lake: Lake) -> str:
    return f"{lake.rses['LAKE-1'].davs}/there"


@pytest.fixture
def target(lake: Lake, request: pytest.FixtureRequest) -> str:
    return f"{lake.rses['LAKE-2'].davs}/{request.node.name.replace('[', '-').strip(']')}"


def arrived(lake: Lake, url: str) -> bytes:
    return (lake.data_dir("LAKE-2") / url.rpartition("/data/")[2]).read_bytes()


def test_the_banner_says_what_it_is(fts: Fts) -> None:
    status, told = fts.ask("GET", "//")
    assert status == 200
    assert told["api"]["major"] == 3
    assert "it is not FTS3" in told["stand_in"]
    assert "it is not FTS3" in Path(fts.lake.server("fts").log).read_text()


@pytest.mark.parametrize("scheme", ["davs", "root"])
def test_a_file_is_copied_and_everything_is_told(fts: Fts, lake: Lake, scheme: str) -> None:
    here, there = (lake.rses[rse].endpoints[scheme] for rse in ("LAKE-1", "LAKE-2"))
    began = time.time()
    wanted = file(
        f"{here}/there",
        f"{there}/whole-{scheme}",
        filesize=len(CONTENT),
        metadata={"mine": 1},
        activity="Tests",
    )
    job = fts.run(wanted, verify_checksum="both", job_metadata={"issuer": "x"}, priority=4)
    assert (job["job_state"], job["http_status"]) == ("FINISHED", "200 Ok")
    assert job["job_metadata"] == {"issuer": "x", "auth_method": "unauthenticated"}
    assert (job["source_se"], job["priority"]) == (f"{scheme}://127.0.0.1", 4)
    assert job["job_type"] == "N"
    (told,) = job["files"]
    assert (told["file_state"], told["reason"], told["filesize"]) == ("FINISHED", None, 1_000_000)
    assert (told["file_metadata"], told["activity"]) == ({"mine": 1}, "Tests")
    assert told["source_surl"] == f"{here}/there"
    assert told["throughput"] == pytest.approx(told["filesize"] / told["tx_duration"] / 2**20, 0.01)
    for name in ("start_time", "finish_time"):
        moment = datetime.strptime(told[name] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()
        assert began - 1 <= moment <= time.time() + 1
    assert arrived(lake, f"/data/whole-{scheme}") == CONTENT
    status, log = fts.ask("GET", told["log_file"])
    assert status == 200
    assert "third-party copy is done: pull, streamed: False" in log
    assert re.search(r"destination has adler32 [0-9a-f]+\n", log)


def test_sources_that_fail_are_named(fts: Fts, lake: Lake, target: str) -> None:
    root = lake.rses["LAKE-1"].root
    job = fts.run(file(f"{root}/nowhere", target.replace("davs", "root")))
    assert job["job_state"] == "FAILED"
    assert job["reason"].startswith("One or more files failed")
    reason = "SOURCE [2] Failed to stat file (No such file or directory)"
    assert job["files"][0]["reason"] == reason
    assert job["job_finished"]
    missing = fts.run(file(f"{lake.rses['LAKE-1'].davs}/nowhere", target))
    assert re.match(r"SOURCE \[2\] .*404", missing["files"][0]["reason"])
    lake.fault("LAKE-3", "refuse")
    try:
        there = file(f"{lake.rses['LAKE-3'].root}/there", target)
        (told,) = fts.run(there)["files"]
        assert told["reason"] == "SOURCE [111] Failed to stat file (Connection refused)"
    finally:
        lake.fault("LAKE-3", "none")
    (told,) = fts.run(file(f"{lake.rses['LAKE-3'].davs}/there", target))["files"]
    assert told["file_state"] == "FINISHED", told  # no connection from before is in the way


def test_a_destination_is_overwritten_only_where_asked(
    fts: Fts, lake: Lake, source: str, target: str
) -> None:
    (lake.data_dir("LAKE-2") / target.rpartition("/")[2]).write_bytes(b"old")
    os.chmod(lake.data_dir("LAKE-2") / target.rpartition("/")[2], 0o666)
    (told,) = fts.run(file(source, target))["files"]
    assert told["reason"] == "DESTINATION [17] Destination file exists and overwrite is not enabled"
    assert arrived(lake, target) == b"old"
    assert fts.run(file(source, target), overwrite=True)["job_state"] == "FINISHED"
    assert arrived(lake, target) == CONTENT


def test_checksums_are_compared_as_asked(fts: Fts, lake: Lake, source: str, target: str) -> None:
    def reason(verify: Any, checksum: str) -> str | None:
        job = fts.run(file(source, target, checksum=checksum), verify_checksum=verify)
        return job["files"][0]["reason"]

    wrong = ADLER + "00000001"
    assert reason("target", wrong) == "TRANSFER [5] User and destination checksums do not match"
    assert reason("source", wrong) == "TRANSFER [5] User and source checksums do not match"
    assert reason("both", wrong) == "TRANSFER [5] User and source checksums do not match"
    # FTS's own client says this by default.
    end_to_end = "TRANSFER [22] Checksum value required if mode is not end to end"
    assert reason(False, "ADLER32") == end_to_end
    lake.fault("LAKE-2", "corrupt")
    try:
        assert reason("both", "") == "TRANSFER [5] Source and destination checksums do not match"
        assert not (lake.data_dir("LAKE-2") / target.rpartition("/")[2]).exists()
        assert reason("none", wrong) is None
    finally:
        lake.fault("LAKE-2", "none")
    assert arrived(lake, target) != CONTENT


def test_a_wrong_size_is_the_sources(fts: Fts, source: str, target: str) -> None:
    (told,) = fts.run(file(source, target, filesize=7))["files"]
    assert told["reason"].startswith("SOURCE [22] User specified source file size is 7")


def test_some_files_fail_and_the_job_is_dirty(fts: Fts, source: str, target: str) -> None:
    job = fts.run(file(source, target), file(source + "-not", target + "2"))
    assert job["job_state"] == "FINISHEDDIRTY"
    assert [each["file_state"] for each in job["files"]] == ["FINISHED", "FAILED"]
    assert [each["file_index"] for each in job["files"]] == [0, 1]


def test_other_sources_are_tried(fts: Fts, lake: Lake, source: str, target: str) -> None:
    sources = [source + "-not", f"{lake.rses['LAKE-3'].davs}/there", source]
    job = fts.run(file(sources, target, selection_strategy="orderly"))
    assert (job["job_state"], job["job_type"]) == ("FINISHED", "R")
    states = [each["file_state"] for each in job["files"]]
    assert states == ["FAILED", "FINISHED", "NOT_USED"]
    assert arrived(lake, target) == CONTENT


def test_hops_follow_each_other(fts: Fts, lake: Lake, source: str, target: str) -> None:
    between = f"{lake.rses['LAKE-3'].davs}/hop"
    job = fts.run(file(source, between), file(between, target), multihop=True)
    assert (job["job_state"], job["job_type"]) == ("FINISHED", "H")
    assert arrived(lake, target) == CONTENT
    job = fts.run(file(source + "-not", between + "2"), file(between + "2", target), multihop=True)
    assert job["job_state"] == "FAILED"
    assert [each["file_state"] for each in job["files"]] == ["FAILED", "NOT_USED"]


def test_a_staging_job_is_brought_online_first(fts: Fts, source: str, target: str) -> None:
    job_id = fts.submit(file(source, target), bring_online=60)
    assert fts.job(job_id)["job_state"] == "STAGING"
    (told,) = fts.ended(job_id)["files"]
    assert told["file_state"] == "FINISHED"
    assert told["staging_start"] <= told["staging_finished"] <= told["start_time"]


def test_what_may_pass_is_tried_again(fts: Fts, lake: Lake, source: str, target: str) -> None:
    lake.fault("fts", "fail=TRANSFER [5] for a while")
    try:
        job_id = fts.submit(file(source, target), retry=50, retry_delay=1)
        fts.until(job_id, lambda job: job["files"][0]["retry"] == 1)
    finally:
        lake.fault("fts", "none")
    job = fts.ended(job_id)
    assert job["job_state"] == "FINISHED"
    path = f"/jobs/{job_id}/files/{job['files'][0]['file_id']}/retries"
    first = fts.ask("GET", path)[1][0]
    assert (first["attempt"], first["reason"]) == (0, "TRANSFER [5] for a while")
    job = fts.run(file(source + "-not", target), retry=50)
    assert job["files"][0]["retry"] == 0  # what is not there does not come


def test_a_hanging_storage_delays_no_other(fts: Fts, lake: Lake, source: str, target: str) -> None:
    lake.fault("LAKE-3", "hang")
    try:
        stuck = f"{lake.rses['LAKE-3'].davs}/there"
        wanted = [file(stuck, f"{target}-{number}") for number in range(10)]
        wanted += [file(source, f"{lake.rses['LAKE-3'].davs}/to-{n}") for n in range(10)]
        hanging = fts.submit(*wanted, timeout=3)
        well = fts.run(*(file(source, f"{target}-well-{number}") for number in range(4)))
        assert well["job_state"] == "FINISHED"
        assert fts.job(hanging)["job_state"] == "ACTIVE"
        first = fts.until(hanging, lambda job: "FAILED" in {f["file_state"] for f in job["files"]})
        reasons = {each["reason"] for each in first["files"] if each["reason"]}
        assert reasons == {"TRANSFER [110] Transfer timed out"}
        fts.ask("DELETE", f"/jobs/{hanging}")
    finally:
        lake.fault("LAKE-3", "none")


def test_gsiftp_has_the_lakes_proxy(fts: Fts, lake: Lake) -> None:
    base = lake.rses["LAKE-GSIFTP"].gsiftp
    (lake.data_dir("LAKE-GSIFTP") / "there").write_bytes(CONTENT)
    job = fts.run(file(f"{base}/there", f"{base}/copied"), verify_checksum="both")
    assert job["job_state"] == "FINISHED", fts.ask("GET", job["files"][0]["log_file"])[1]
    assert (lake.data_dir("LAKE-GSIFTP") / "copied").read_bytes() == CONTENT


def test_nothing_is_streamed_or_pushed(fts: Fts, lake: Lake, source: str) -> None:
    root = lake.rses["LAKE-2"].root
    (told,) = fts.run(file(source, f"{root}/mixed"))["files"]
    assert told["reason"] == "TRANSFER [93] davs and root have no third-party copy in common"
    apache = lake.rses["LAKE-APACHE"].davs
    (told,) = fts.run(file(source, f"{apache}/streamed"))["files"]
    assert told["reason"].startswith("TRANSFER [")
    assert not (lake.data_dir("LAKE-APACHE") / "streamed").exists()
