"""FTS's reasons, as recorded, become classes and sides."""

from __future__ import annotations

import pytest

from lakecheck.devlake.fts.states import BY_USER, TOO_LONG
from lakecheck.drivers.fts import FileReport, JobReport
from lakecheck.drivers.fts_reasons import explain_file, explain_job
from lakecheck.model import NOBODY, Credential

SOURCE, DESTINATION = "davs://src.example.org:443/x/file", "davs://dst.example.org:8443/y/file"
TOKEN = Credential("robot", "token", token="")

REASONS = [
    # reason, class, side, code, host
    (
        "SOURCE [2] Failed to stat file (No such file or directory)",
        *("missing", "source", 2, "src.example.org:443"),
    ),
    (
        "SOURCE [111] Failed to stat file (Connection refused)",
        *("unreachable", "source", 111, "src.example.org:443"),
    ),
    (
        "DESTINATION [17] Destination file exists and overwrite is not enabled",
        *("exists", "destination", 17, "dst.example.org:8443"),
    ),
    (
        "TRANSFER [5] Source and destination checksums do not match",
        *("checksum", "transfer", 5, None),
    ),
    (
        "DESTINATION CHECKSUM MISMATCH [5] User and destination checksums do not match",
        *("checksum", "destination", 5, "dst.example.org:8443"),
    ),
    (
        "DESTINATION [122] Disk quota exceeded",
        *("full", "destination", 122, "dst.example.org:8443"),
    ),
    ("TRANSFER [28] No space left on device", "full", "transfer", 28, None),
    (
        "TRANSFER [1] HTTP 507 : Insufficient Storage",
        *("full", "destination", 1, "dst.example.org:8443"),
    ),
    (
        "TRANSFER [5] Copy failed (3rd pull). Last attempt: Remote side failed with 404 (source)",
        *("protocol", "source", 5, "src.example.org:443"),
    ),
    (
        "TRANSFER [110] Operation timed out while making the parent (destination)",
        *("timeout", "destination", 110, "dst.example.org:8443"),
    ),
    ("TRANSFER [110] Transfer timed out", "timeout", "transfer", 110, None),
    ("SOURCE [101] Network is unreachable", "unreachable", "network", 101, None),
    (
        "STAGING [110] bring-online timeout has been exceeded",
        *("timeout", "source", 110, "src.example.org:443"),
    ),
    ("AGENT [5] The transfer service failed", "protocol", "service", 5, None),
    ("GENERAL_FAILURE [71] url-copy was killed", "protocol", "service", 71, None),
    (
        "SOURCE [95] Checksums are not supported here",
        *("unsupported", "source", 95, "src.example.org:443"),
    ),
    ("Copy failed, nobody knows why", "unknown", "transfer", None, None),
    ("", "unknown", "transfer", None, None),
    (TOO_LONG, "timeout", "service", None, None),
]


@pytest.mark.parametrize(("reason", "error_class", "side", "code", "host"), REASONS)
def test_each_is_told_apart(
    reason: str, error_class: str, side: str, code: int | None, host: str | None
) -> None:
    error = explain_file(FileReport("FAILED", SOURCE, DESTINATION, reason), NOBODY)

    assert (error.error_class, error.side, error.code) == (error_class, side, code)
    if side != "network":
        assert error.host == host
    assert (reason or "FTS gives no reason for FAILED") in error.message
    assert str(error) == error.message


def test_a_refusal_of_nobody_is_our_own_fault() -> None:
    file = FileReport("FAILED", SOURCE, DESTINATION, "DESTINATION [13] Permission denied")

    ours = explain_file(file, NOBODY)
    assert (ours.error_class, ours.side) == ("credential", "tester")
    assert ours.message == "DESTINATION [13] Permission denied (no credential was shown)"

    bad = explain_file(file, TOKEN)
    assert (bad.error_class, bad.side) == ("credential", "tester")


def test_a_sound_credential_is_refused_by_the_storage() -> None:
    named = Credential("user", "userpass", username="me", password="x")
    file = FileReport("FAILED", SOURCE, DESTINATION, "TRANSFER [1] HTTP 403 : Permission refused")

    error = explain_file(file, named)

    assert (error.error_class, error.side) == ("denied", "destination")
    assert error.host == "dst.example.org:8443"


@pytest.mark.parametrize("reason", ["", BY_USER])
def test_who_cancels_what_we_did_not_is_the_service(reason: str) -> None:
    error = explain_file(FileReport("CANCELED", SOURCE, DESTINATION, reason), NOBODY)

    assert (error.error_class, error.side) == ("unknown", "service")
    assert "not by us" in error.message
    assert reason in error.message


def test_a_job_without_files_tells_for_them() -> None:
    lost = explain_job(JobReport("id", "", lost=True), "https://fts:8446")
    failed = explain_job(JobReport("id", "FAILED", "no files"), "https://fts:8446")

    assert (lost.error_class, lost.side) == ("missing", "service")
    assert lost.message == "FTS at https://fts:8446 no longer knows the job id"
    assert (failed.error_class, failed.side) == ("unknown", "service")
    assert failed.message == "FTS: the job id is FAILED: no files"
