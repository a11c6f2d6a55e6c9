from __future__ import annotations

import pytest

from lakecheck.drivers.webdav_tpc import far_failure, near_failure, without
from lakecheck.errors import (
    BadCredential,
    Corrupt,
    DriverError,
    Exists,
    Full,
    Missing,
    Overloaded,
    ProtocolError,
    TimedOut,
    TlsFailed,
    Unreachable,
    Unsupported,
)
from lakecheck.model import NOBODY

FAR = "davs://far.example:1/a"


@pytest.mark.parametrize(
    ("said", "error", "side"),
    [
        (
            'failure: Remote side failed with status code 404; error message: "no such file"',
            Missing,
            "source",
        ),
        ("failure: Remote side failed with status code 403", BadCredential, "tester"),
        ("failure: Remote side failed with status code 507", Full, "source"),
        ("failure: rejected GET: 404 Not Found", Missing, "source"),
        ("failure: rejected GET: 503 Busy", Overloaded, "source"),
        ("failure: Couldn't connect to server", Unreachable, "source"),
        ("failure: Could not resolve hostname", Unreachable, "network"),
        ("failure: SSL peer certificate or SSH remote key was not OK", TlsFailed, "source"),
        ("failure: Timeout was reached", TimedOut, "transfer"),
        ("failure: transfer is too slow", TimedOut, "transfer"),
        ("failure: write failed: no space left on device", Full, "destination"),
        ("failure: Checksum mismatch", Corrupt, "destination"),
        ("failure: something else", ProtocolError, "transfer"),
    ],
)
def test_a_pull_that_failed(said: str, error: type[DriverError], side: str) -> None:
    found = far_failure(said, FAR, NOBODY, "pull", "source")
    assert (type(found), found.side) == (error, side)
    assert found.host == "far.example:1"
    assert said.removeprefix("failure: ") in found.message


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (400, "Unable to open /data/a; no such file or directory", Missing),
        (412, "Unable to create /data/a; file exists", Exists),
        (400, "Unable to create /data/a; file exists", Exists),
        (500, "Unable to create /data/a; permission denied", BadCredential),
        (400, "Failed to open local resource", ProtocolError),
        (405, "", Unsupported),
        (501, "", Unsupported),
        (507, "", Full),
    ],
)
def test_a_copy_that_was_not_begun(status: int, text: str, error: type[DriverError]) -> None:
    found = near_failure(status, text, "https://near.example:1/a", NOBODY, "destination")
    assert type(found) is error
    assert found.code == status
    assert found.host == "near.example:1"


def test_tokens_are_taken_out_of_what_servers_say() -> None:
    assert without("got Bearer abc, sent xyz", ("abc", "xyz")) == "got Bearer ***, sent ***"
