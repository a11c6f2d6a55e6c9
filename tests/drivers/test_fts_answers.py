"""What FTS answers, as our own nouns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.drivers.fts import ENDED, UNFINISHED, WAITING
from lakecheck.drivers.fts_answers import job_report, moment

JOB = {
    "job_id": "0a1b",
    "job_state": "FINISHEDDIRTY",
    "reason": "One or more files failed",
    "submit_time": "2026-11-22T01:00:00",
    "job_finished": "2026-11-22T01:05:00",
    "http_status": "200 Ok",
    "files": [
        {
            "file_state": "FINISHED",
            "source_surl": "davs://a/1",
            "dest_surl": "davs://b/1",
            "filesize": 1000,
            "start_time": "2026-11-22T01:01:00",
            "finish_time": "2026-11-22T01:02:00",
            "tx_duration": 59.5,
            "staging_start": "2026-11-22T01:00:00",
            "staging_finished": "2026-11-22T01:00:30",
            "log_file": "/var/log/fts3/a__b/1",
            "reason": None,
        },
        {"file_state": "FAILED", "reason": "SOURCE [2] gone", "log_file": "https://log/2"},
    ],
}


def test_a_job_and_its_files() -> None:
    job = job_report(JOB, "https://monitor:8449")

    assert (job.id, job.state, job.lost, job.ended) == ("0a1b", "FINISHEDDIRTY", False, True)
    assert job.finished is not None
    assert job.submitted is not None
    assert job.finished - job.submitted == 300
    good, bad = job.files
    assert (good.state, good.size, good.took, good.staged) == ("FINISHED", 1000, 59.5, 30)
    assert (good.source, good.destination, good.reason) == ("davs://a/1", "davs://b/1", "")
    assert good.log == "https://monitor:8449/var/log/fts3/a__b/1"
    assert (bad.state, bad.reason, bad.log) == ("FAILED", "SOURCE [2] gone", "https://log/2")
    assert (bad.size, bad.started, bad.finished, bad.took, bad.staged) == (
        0,
        None,
        None,
        None,
        None,
    )


def test_a_log_is_at_the_host_that_copied_unless_told_otherwise() -> None:
    told = {**JOB, "files": [{**JOB["files"][0], "transfer_host": "fts601.example.org"}]}
    [file] = job_report(told).files

    assert file.log == "https://fts601.example.org:8449/var/log/fts3/a__b/1"
    assert job_report(told, "https://logs/").files[0].log == "https://logs/var/log/fts3/a__b/1"


def test_a_job_that_it_does_not_know_is_lost() -> None:
    job = job_report({"job_id": "x", "http_status": "404 Not Found", "http_message": "No job"})

    assert (job.id, job.lost, job.ended, job.files) == ("x", True, True, ())


@pytest.mark.parametrize("state", [*UNFINISHED, *ENDED, "A_NEW_ONE"])
def test_only_known_ends_are_ends(state: str) -> None:
    assert job_report({"job_id": "x", "job_state": state}).ended is (state in ENDED)
    assert set(WAITING) < set(UNFINISHED)


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))
def test_its_times_are_utc(when: datetime) -> None:
    expected = when.replace(tzinfo=UTC).timestamp()

    assert moment(when.isoformat()) == pytest.approx(expected)
    assert moment(when.isoformat() + "+00:00") == pytest.approx(expected)


@pytest.mark.parametrize("told", [None, "", "yesterday", 0, [], {}])
def test_what_is_no_time_is_none(told: object) -> None:
    assert moment(told) is None


@given(
    st.dictionaries(st.sampled_from(sorted(JOB)), st.none() | st.text("aT:-04 ") | st.integers())
)
def test_an_odd_answer_is_no_crash(odd: dict[str, object]) -> None:
    odd.pop("files", None)

    assert job_report(odd).files == ()
