"""What the transfer service replies: refusals, lists, several jobs at once, cancelling."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lakecheck.devlake import Lake
from tests.devlake.fts_client import Fts, file
from tests.devlake.services import service

# What Rucio's transfertool asks for.
FIELDS = (
    "file_state,dest_surl,finish_time,start_time,staging_start,staging_finished,"
    "reason,source_surl,file_metadata"
)
BIG = 600_000_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    only = ["LAKE-1", "LAKE-2"]
    with service(tmp_path_factory.mktemp("fts"), "fts", only=only) as lake:
        (lake.data_dir("LAKE-1") / "there").write_bytes(b"small")
        yield lake


@pytest.fixture
def fts(lake: Lake) -> Fts:
    return Fts(lake)


@pytest.fixture
def source(lake: Lake) -> str:
    return f"{lake.rses['LAKE-1'].davs}/there"


@pytest.fixture
def target(lake: Lake, request: pytest.FixtureRequest) -> str:
    return f"{lake.rses['LAKE-2'].davs}/{request.node.name}"


@pytest.fixture
def held(lake: Lake) -> Iterator[None]:
    """Nothing leaves the queue."""
    lake.fault("fts", "queue=600")
    yield
    lake.fault("fts", "none")


OK = {"sources": ["davs://a/b"], "destinations": ["davs://c/d"]}
BAD: list[tuple[Any, int, str]] = [
    ({"files": [{**OK, "sources": ["file:///x"]}]}, 400, "Can not transfer local files"),
    ({"files": [{**OK, "sources": ["/x"]}]}, 400, "Missing scheme (/x)"),
    ({"files": [{**OK, "destinations": ["davs://h"]}]}, 400, "Missing path (davs://h)"),
    ({"files": [{**OK, "destinations": ["davs:///x"]}]}, 400, "Missing host (davs:///x)"),
    ({"files": [{**OK, "destinations": ["davs://h:no/x"]}]}, 400, "Invalid value within"),
    ({"files": []}, 400, "No valid pairs available"),
    ({"params": {}}, 400, "No transfers operations specified"),
    ({"files": [{"sources": ["davs://a/b"]}]}, 400, "Missing parameter: 'destinations'"),
    ({"files": [{**OK, "filesize": "big"}]}, 400, "Invalid value within the request"),
    ({"files": [{**OK, "filesize": "nan"}]}, 400, "filesize is nan"),
    ({"files": [OK], "params": {"timeout": 10**30}}, 400, "timeout is 1000"),
    ({"files": [OK], "params": {"max_time_in_queue": 10**400}}, 400, "Invalid value within"),
    ({"files": [OK], "params": {"retry": "often"}}, 400, "Invalid value within the request"),
    ({"files": ["davs://a/b"]}, 400, "Malformed request"),
    ({"files": 5}, 400, "Malformed request"),
    ({"files": [OK], "params": 7}, 400, "Malformed request"),
    ({"files": [OK], "params": {"verify_checksum": "perhaps"}}, 400, "verify_checksum"),
    ({"files": [OK], "params": {"priority": "high"}}, 400, "Invalid value within the request"),
    ({"delete": ["davs://a/b"]}, 405, "Deletion jobs are no longer supported"),
    ({"files": [OK, OK]}, 409, "The submission is duplicated"),
    (
        {"files": [{**OK, "sources": ["davs://a/b", "davs://b/b"]}, OK]},
        400,
        "Multiple replica jobs must only have one unique file",
    ),
    (
        {"files": [OK], "params": {"overwrite": True, "overwrite_on_retry": True}},
        400,
        "Incompatible overwrite flags",
    ),
    ({"files": [OK], "params": {"id_generator": "deterministic"}}, 400, "Need sid"),
    (b"{nonsense", 400, "Badly formatted JSON request"),
    (b"[]", 400, "Badly formatted JSON request"),
    (b"\xff\xfe", 400, "Badly formatted JSON request"),
]


@pytest.mark.parametrize(("body", "status", "says"), BAD, ids=lambda each: str(each)[:60])
def test_a_bad_submission_is_refused_with_a_sentence(
    fts: Fts, body: Any, status: int, says: str
) -> None:
    found, told = fts.ask("POST", "//jobs", body)
    assert found == status, told
    assert told["status"].startswith(f"{status} ")
    assert says in told["message"]


def test_unknown_parameters_are_ignored(fts: Fts, source: str, target: str) -> None:
    job = fts.run(file(source, target, nonsense=1), nonsense={"a": 1}, spacetoken=None)
    assert job["job_state"] == "FINISHED"


def test_one_destination_is_written_by_one_job(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "queue=600")
    try:
        job_id = fts.submit(file(source, target))
        status, told = fts.ask("POST", "/jobs", {"files": [file(source, target)]})
        assert (status, told["status"]) == (409, "409 Conflict")
    finally:
        fts.lake.fault("fts", "none")
    fts.ended(job_id)
    assert fts.run(file(source, target), overwrite=True)["job_state"] == "FINISHED"


def test_an_id_that_the_user_derives_is_taken_once(fts: Fts, source: str, target: str) -> None:
    own = {"id_generator": "deterministic", "sid": "mine"}
    fts.run(file(source, target), **own)
    status, told = fts.ask("POST", "/jobs", {"files": [file(source, target)], "params": own})
    assert (status, told["message"]) == (409, "The sid provided by the user is duplicated")


def test_what_rucio_asks_of_one_and_of_several(fts: Fts, source: str, target: str) -> None:
    first, second = (fts.submit(file(source, target + name, metadata={"n": 1})) for name in "ab")
    for job_id in (first, second):
        fts.ended(job_id)
    status, one = fts.ask("GET", f"/jobs/{first}?files={FIELDS}")
    assert status == 200
    assert (one["http_status"], one["job_id"], one["job_state"]) == ("200 Ok", first, "FINISHED")
    assert isinstance(one["job_metadata"], dict)
    assert set(one["files"][0]) == set(FIELDS.split(","))
    status, several = fts.ask("GET", f"/jobs/{second},{first}?files={FIELDS}")
    assert status == 200
    assert [each["job_id"] for each in several] == [second, first]
    status, mixed = fts.ask("GET", f"/jobs/{first},nothing?files={FIELDS}")
    assert status == 207
    assert mixed[0]["files"][0]["dest_surl"] == target + "a"
    gone = {"job_id": "nothing", "http_status": "404 Not Found"}
    assert mixed[1] == gone | {"http_message": 'No job with the id "nothing" has been found'}
    assert fts.ask("GET", f"/jobs/nothing?files={FIELDS}") == (404, mixed[1])
    status, told = fts.ask("GET", "/jobs/nothing/files")
    assert (status, told["status"]) == (404, "404 Not Found")
    assert fts.ask("GET", f"/jobs/{first}/job_state") == (200, "FINISHED")
    assert fts.ask("GET", f"/jobs/{first}/dm") == (200, [])


def test_lists_have_filters(fts: Fts, source: str, target: str, held: None) -> None:
    ids = [fts.submit(file(source, f"{target}{number}")) for number in range(3)]
    status, listed = fts.ask("GET", "//jobs?")
    assert status == 200
    assert {job["job_id"] for job in listed} >= set(ids)
    assert len(fts.ask("GET", "/jobs?state_in=SUBMITTED,ACTIVE&limit=2")[1]) == 2
    assert fts.ask("GET", "/jobs?state_in=ACTIVE")[1] == []
    assert fts.ask("GET", "/jobs?vo_name=another")[1] == []
    assert fts.ask("GET", "/jobs?limit=501")[0] == 400
    assert fts.ask("GET", "/jobs?dlg_id=another")[0] == 403
    fts.ask("DELETE", "/jobs/" + ",".join(ids))
    ended = fts.ask("GET", "/jobs?state_in=CANCELED&time_window=1&fields=job_id,job_state")[1]
    assert {"job_id": ids[0], "job_state": "CANCELED"} in ended
    assert not set(ids) & {job["job_id"] for job in fts.ask("GET", "/jobs")[1]}


def test_priorities_change_the_order(fts: Fts, source: str, target: str) -> None:
    fts.lake.fault("fts", "queue=600")
    try:
        ids = [fts.submit(file(source, f"{target}{number}"), priority=1) for number in range(12)]
        status, told = fts.ask("POST", f"/jobs/{ids[-1]}", {"params": {"priority": 5}})
        assert (status, told["priority"], told["http_status"]) == (200, 5, "200 Ok")
        assert fts.job(ids[-1])["files"][0]["priority"] == 5
        assert fts.ask("POST", f"/jobs/{ids[0]}", {"params": {"priority": "x"}})[0] == 400
    finally:
        fts.lake.fault("fts", "none")
    logs = [fts.ask("GET", fts.ended(each)["files"][0]["log_file"])[1] for each in ids]
    assert min(logs) == logs[-1]  # they begin with the time
    assert fts.ask("POST", f"/jobs/{ids[0]}", {"params": {"priority": 2}})[1]["http_status"] == (
        "304 Not Modified"
    )


def test_waiting_jobs_are_canceled_and_ended_ones_not(
    fts: Fts, source: str, target: str, held: None
) -> None:
    job_id, other = (fts.submit(file(source, target + name)) for name in "ab")
    status, told = fts.ask("DELETE", f"//jobs/{job_id}")
    assert (status, told["job_state"], told["http_status"]) == (200, "CANCELED", "200 Ok")
    assert told["reason"] == fts.job(job_id)["files"][0]["reason"] == "Job canceled by the user"
    status, told = fts.ask("DELETE", f"/jobs/{job_id}")
    assert (status, told["http_status"]) == (200, "304 Not Modified")
    assert told["http_message"] == "The job is in a terminal state"
    status, told = fts.ask("DELETE", f"/jobs/{job_id},{other},nothing")
    assert status == 207
    states = ["304 Not Modified", "200 Ok", "404 Not Found"]
    assert [each["http_status"] for each in told] == states
    assert fts.ask("DELETE", "/jobs/nothing")[0] == 404
    for everything in ("all", "vo/lake"):
        status, told = fts.ask("DELETE", f"/jobs/{everything}")
        assert (status, told["message"]) == (403, "User does not have root privileges")


def test_single_files_are_canceled(fts: Fts, source: str, target: str, held: None) -> None:
    job_id = fts.submit(file(source, target + "1"), file(source, target + "2"))
    first, second = (each["file_id"] for each in fts.job(job_id)["files"])
    assert fts.ask("DELETE", f"/jobs/{job_id}/files/{first}") == (200, "CANCELED")
    assert fts.job(job_id)["job_state"] == "SUBMITTED"
    told = fts.ask("DELETE", f"/jobs/{job_id}/files/{second},0")[1]
    assert told == ["CANCELED", "File does not belong to the job"]
    assert fts.job(job_id)["job_state"] == "CANCELED"


def test_a_job_that_waits_for_too_long_is_given_up(
    fts: Fts, source: str, target: str, held: None
) -> None:
    job = fts.run(file(source, target), max_time_in_queue="1s")
    assert job["job_state"] == "CANCELED"
    assert job["reason"] == "Job has been canceled because it stayed in the queue for too long"


@pytest.mark.parametrize("scheme", ["davs", "root"])
def test_canceling_ends_a_copy_and_leaves_nothing(fts: Fts, lake: Lake, scheme: str) -> None:
    here, there = (lake.rses[rse].endpoints[scheme] for rse in ("LAKE-1", "LAKE-2"))
    target = f"{there}/canceled-{scheme}"
    with (lake.data_dir("LAKE-1") / "big").open("wb") as big:
        big.truncate(BIG)
    lake.fault("LAKE-2", "hang-data")
    copy = lake.data_dir("LAKE-2") / target.rpartition("/")[2]
    try:
        job_id = fts.submit(file(f"{here}/big", target))
        fts.until(job_id, lambda job: copy.exists())
        assert fts.job(job_id)["job_state"] == "ACTIVE"
        fts.ask("DELETE", f"/jobs/{job_id}")
        (told,) = fts.job(job_id)["files"]
        assert (told["file_state"], bool(told["finish_time"])) == ("CANCELED", True)
    finally:
        lake.fault("LAKE-2", "none")
    log = told["log_file"]
    again = fts.submit(file(f"{here}/there", target))
    deadline = time.monotonic() + 20
    while "cleaned up" not in fts.ask("GET", log)[1]:
        assert time.monotonic() < deadline, fts.ask("GET", log)[1]
        time.sleep(0.1)
    # Whoever wants the same name waits for that.
    assert fts.ended(again)["job_state"] == "FINISHED"
    assert copy.read_bytes() == b"small"


def test_many_jobs_are_taken_and_shown_quickly(
    fts: Fts, source: str, target: str, held: None
) -> None:
    began = time.monotonic()
    files = [file(source, f"{target}-h-{number}") for number in range(100)]
    hundred = fts.submit(*files)
    assert time.monotonic() - began < 1
    assert len(fts.job(hundred)["files"]) == 100
    ids = [fts.submit(file(source, f"{target}-{number}")) for number in range(2000)]
    began = time.monotonic()
    status, told = fts.ask("GET", f"/jobs/{','.join(ids[:200])}?files={FIELDS}")
    assert time.monotonic() - began < 1
    assert (status, len(told)) == (200, 200)
    assert {len(job["files"]) for job in told} == {1}
    assert len(fts.ask("GET", "/jobs?state_in=SUBMITTED")[1]) >= 2001
    assert fts.ask("DELETE", "/jobs/" + ",".join([hundred, *ids]))[0] == 200
    assert fts.ask("GET", "/jobs")[1] == []


def test_logs_stay_in_their_folder(fts: Fts) -> None:
    assert fts.ask("GET", "/logs/..%2f..%2fpki%2fuser.key")[0] == 404
    assert fts.ask("GET", "/logs/none")[0] == 404
    status, told = fts.ask("GET", "/nothing/here")
    assert (status, told["status"]) == (404, "404 Not Found")
