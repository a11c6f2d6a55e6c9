"""What Rucio passes on of storages and FTS, in our classes and sides."""

from __future__ import annotations

import pytest

from lakecheck.drivers.rucio_reasons import of_rule, of_storage
from lakecheck.model import NOBODY, Credential, Secret

USER = Credential("robot", "userpass", username="lake", password=Secret("secret"))
WRAPPED = (
    "RSE does not support requested operation. Details: The requested service is not available "
    "at the moment. Details: An unknown exception occurred. Details: "
)
REFUSED = (
    "Error on XrdCl::CopyProcess::Run(): [ERROR] Server responded with an error: [3010] "
    "Unable to create /data/x; permission denied\\x00 (destination)"
)


@pytest.mark.parametrize(
    ("reason", "error_class", "side"),
    [
        ("TRANSFER [1] HTTP 403 : Permission refused", "denied", "destination"),
        ("SOURCE [2] Failed to stat file (No such file or directory)", "missing", "source"),
        ("DESTINATION [28] No space left on device", "full", "destination"),
        ("DESTINATION OVERWRITE [17] Destination file exists", "exists", "destination"),
        ("TRANSFER [5] Source and destination checksums do not match", "checksum", "transfer"),
        ("SOURCE [111] Failed to stat file (Connection refused)", "unreachable", "source"),
        ("DESTINATION [110] Operation timed out", "timeout", "destination"),
    ],
)
@pytest.mark.parametrize("prefix", ["RequestErrMsg.TRANSFER_FAILED:", "TRANSFER_FAILED:", ""])
def test_a_stuck_rule_has_the_class_and_side_of_its_transfer(
    prefix: str, reason: str, error_class: str, side: str
) -> None:
    error = of_rule("STUCK", prefix + reason, "A", "B", USER)

    assert (error.error_class, error.side, error.host) == (error_class, side, None)
    shown = prefix.removeprefix("RequestErrMsg.")  # which is a name of Rucio's own code
    assert error.message == str(error) == f"the rule is STUCK: {shown}{reason}"
    assert error.phase


@pytest.mark.parametrize(
    ("reason", "error_class"),
    [
        ("MissingSourceReplica", "missing"),
        ("RequestErrMsg.NO_SOURCES:A:B", "missing"),
        ("RequestErrMsg.MISMATCH_SCHEME:no protocol in common", "unsupported"),
        ("RequestErrMsg.SUBMISSION_FAILED:FTS answered 500", "unknown"),
        ("", "unknown"),
    ],
)
def test_what_never_came_to_a_transfer_is_the_services(reason: str, error_class: str) -> None:
    error = of_rule("STUCK", reason, "A", "B", USER)

    assert (error.error_class, error.side, error.phase) == (error_class, "service", "rule")
    assert error.message == (
        f"the rule is STUCK: {reason.removeprefix('RequestErrMsg.') or 'Rucio gives no reason'}"
    )


def test_of_several_reasons_the_first_decides_and_all_are_told() -> None:
    both = "TRANSFER_FAILED:SOURCE [2] Missing|TRANSFER_FAILED:DESTINATION [28] No space left"

    error = of_rule("SUSPENDED", both, "A", "B", USER)

    assert (error.error_class, error.side) == ("missing", "source")
    assert error.message == f"the rule is SUSPENDED: {both}"


def test_a_storage_that_refuses_nobody_is_our_own_fault() -> None:
    for credential in (USER, NOBODY):
        error = of_storage(WRAPPED + REFUSED, credential)
        assert (error.error_class, error.side) == ("credential", "tester")
        assert error.message.startswith("Error on XrdCl::CopyProcess::Run()")
        assert error.message.endswith("(destination) (no credential was shown)")
        assert "\\x00" not in error.message


@pytest.mark.parametrize(
    ("said", "error_class"),
    [
        ("DESTINATION MAKE_PARENT HTTP 507 : Insufficient storage", "full"),
        ("Server responded with an error: [3009] no space left on device", "full"),
        ("HTTP 404 : File not found", "missing"),
        ("Server responded with an error: [3018] file exists", "exists"),
        ("Could not connect to server", "unreachable"),
        ("Result (Neon): Operation timed out", "timeout"),
    ],
)
def test_what_a_storage_says(said: str, error_class: str) -> None:
    assert of_storage(WRAPPED + said, USER).error_class == error_class
