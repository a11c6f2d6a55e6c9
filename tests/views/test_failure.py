from __future__ import annotations

from typing import Any

import pytest

from lakecheck.views.failure import explain, sentence
from tests.views.runs import CRASH, DENIED, TIMEOUT

UPLOAD = {"test": "gfal", "case": "LAKE-2.davs.100B", "check": "upload", "rse": "LAKE-2",
          "protocol": "davs"}  # fmt: skip
COPY = {"test": "tpc", "case": "LAKE-1~LAKE-2.davs.1MB.pull", "check": "copy",
        "source.rse": "LAKE-1", "destination.rse": "LAKE-2", "protocol": "davs",
        "transfer.mode": "pull"}  # fmt: skip

LOST = {"error.class": "missing", "error.message": "FTS no longer knows the job 7"}
SENTENCES: list[tuple[dict[str, Any], str]] = [
    (
        {**UPLOAD, "status": "failed", "duration": 10.0, **TIMEOUT},
        "upload to LAKE-2 over davs failed after 10.0s: no answer (timeout; the storage's side)",
    ),
    (
        {**UPLOAD, "status": "passed", "duration": 0.0124},
        "upload to LAKE-2 over davs passed after 12ms",
    ),
    (
        {**UPLOAD, "check": "stat", "status": "blocked", "blocked_by": "gfal::X.upload", **TIMEOUT},
        "stat on LAKE-2 over davs was blocked by gfal::X.upload: "
        "no answer (timeout; the storage's side)",
    ),
    (
        {**UPLOAD, "check": "checksum", "status": "skipped", "reason": "it has none"},
        "checksum on LAKE-2 over davs was skipped: it has none",
    ),
    (
        {**UPLOAD, "check": "download", "status": "not_run", "reason": "interrupted"},
        "download from LAKE-2 over davs was planned but not run: interrupted",
    ),
    (
        {**UPLOAD, "check": "delete", "status": "error", "duration": 0.2, **CRASH},
        "delete on LAKE-2 over davs could not be judged after 200ms: "
        "it could not be tested as asked (tester; our side)",
    ),
    (
        {**COPY, "status": "failed", "duration": 1.5, **DENIED},
        "copy from LAKE-1 to LAKE-2 over davs, pull failed after 1.5s: "
        "refused (denied; the destination's side)",
    ),
    (
        {**COPY, "status": "failed", **LOST, "error.side": "service"},
        "copy from LAKE-1 to LAKE-2 over davs, pull failed: "
        "FTS no longer knows the job 7 (missing; the service's side)",
    ),
    (
        {
            "test": "c",
            "kind": "consistency",
            "case": "a~b",
            "check": "rses",
            "status": "failed",
            **LOST,
            "error.message": "b lacks LAKE-3\nand more",
        },
        "c::a~b.rses failed: b lacks LAKE-3 (missing)",
    ),
    (
        {**UPLOAD, "check": "stat", "status": "failed", **LOST, "error.side": "storage"},
        "stat on LAKE-2 over davs failed: the file is not there (missing; the storage's side)",
    ),
    (
        {
            **COPY,
            "status": "failed",
            "expected": [
                {"condition": "throughput >= 25MB/s", "seen": "11.2MB/s", "met": False},
                {"condition": "duration < 10m", "seen": "2.0s", "met": True},
            ],
        },
        "copy from LAKE-1 to LAKE-2 over davs, pull failed: "
        "promised throughput >= 25MB/s, seen 11.2MB/s",
    ),
    (
        {
            "test": "own",
            "case": "test_space",
            "check": "call",
            "status": "failed",
            "reason": "assert 3 > 4",
        },
        "own::test_space.call failed: assert 3 > 4",
    ),
]


@pytest.mark.parametrize(("document", "wanted"), SENTENCES, ids=[s for _, s in SENTENCES])
def test_each_status_has_its_sentence(document: dict[str, Any], wanted: str) -> None:
    assert sentence(document) == wanted


def test_the_explanation_has_promises_raw_error_and_commands() -> None:
    document = {
        **UPLOAD,
        "status": "failed",
        "duration": 10.0,
        **TIMEOUT,
        "error.message": "first line\nsecond line",
        "expected": [{"condition": "duration < 5s", "seen": "10.0s", "met": False}],
        "repeat": ["export A=1", "gfal-copy file:///tmp/x davs://h:1/x"],
    }

    assert explain(document).splitlines() == [
        "upload to LAKE-2 over davs failed after 10.0s: no answer (timeout; the storage's side)",
        "  promised  duration < 5s; seen 10.0s (broken)",
        "  error     first line",
        "            second line",
        "            [code 110, phase connect]",
        "  repeat    export A=1",
        "            gfal-copy file:///tmp/x davs://h:1/x",
    ]


def test_a_bare_document_is_still_told() -> None:
    assert explain({"test": "a", "case": "b", "check": "c", "status": "failed"}) == "a::b.c failed"


def test_a_credential_that_is_not_there_is_told_as_such() -> None:
    document = {
        "test": "credentials",
        "kind": "credentials",
        "case": "robot",
        "check": "valid",
        "status": "error",
        "duration": 0.001,
        "credential": "robot",
        "error.class": "credential",
        "error.side": "tester",
        "error.message": "there is no proxy at /tmp/x",
    }
    assert sentence(document) == "credential robot cannot be used: there is no proxy at /tmp/x"
