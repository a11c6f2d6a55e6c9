"""What foreign errors mean, without servers; the texts are those that sites really report."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.devlake import pki
from lakecheck.drivers import classify, classify_gfal2, classify_xrootd
from lakecheck.errors import ErrorClass, Side
from lakecheck.model import NOBODY, Credential

URL = "davs://se.example.org:8443/data/file"
SOURCE = "davs://from.example.org:8443/data/file"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Credential:
    path = tmp_path_factory.mktemp("pki") / "proxy.pem"
    user = pki.make_user(pki.make_authority("Some CA"), "Somebody")
    pki.write_private(path, pki.make_proxy(user), None)
    return Credential("robot", "x509", str(path))


BAD = Credential("robot", "x509", "/nowhere/proxy.pem")

HTTP: tuple[tuple[str, int, str, ErrorClass], ...] = (
    ("PUT", 507, "", "full"),
    ("PUT", 500, "No space left on device", "full"),
    ("PUT", 413, "", "protocol"),
    ("PUT", 500, "java.lang.NullPointerException", "protocol"),
    ("PUT", 500, "Request to [>PoolManager] timed out in queue", "overloaded"),
    ("PUT", 503, "", "overloaded"),
    ("GET", 429, "slow down", "overloaded"),
    ("GET", 401, "", "denied"),
    ("PUT", 403, "Permission refused", "denied"),
    ("GET", 404, "", "missing"),
    ("GET", 410, "", "missing"),
    ("PUT", 409, "", "missing"),
    ("PUT", 409, "file already exists", "exists"),
    ("PUT", 412, "", "exists"),
    ("MKCOL", 405, "", "exists"),
    ("COPY", 405, "", "unsupported"),
    ("COPY", 501, "", "unsupported"),
    ("COPY", 400, "", "protocol"),
    ("GET", 408, "", "timeout"),
    ("GET", 504, "", "timeout"),
    ("GET", 502, "", "protocol"),
    ("GET", 599, "", "protocol"),
    ("GET", 500, "adler32 checksum mismatch", "checksum"),
)


@pytest.mark.parametrize(("method", "status", "text", "expected"), HTTP)
def test_an_http_answer(
    sound: Credential, method: str, status: int, text: str, expected: ErrorClass
) -> None:
    error = classify.http(status, text, URL, sound, method)
    assert (error.error_class, error.side) == (expected, "storage")
    assert error.code == status
    assert error.host == "se.example.org:8443"
    assert f"HTTP {status}" in error.message
    assert text in error.message


def test_the_end_of_a_link_is_kept() -> None:
    assert classify.http(404, "", URL, NOBODY, "HEAD", side="source").side == "source"


GFAL: tuple[tuple[str, int, str, ErrorClass, Side], ...] = (
    (URL, 17, "Copy failed (streamed). Last attempt: HTTP 403 : Permission refused", "denied",
     "storage"),
    (URL, 17, "DESTINATION EXISTS The destination file exists and overwrite is not enabled",
     "exists", "storage"),
    (URL, 1, "HTTP 403 : Permission refused", "denied", "storage"),
    (URL, 5, "Copy failed. Last attempt: HTTP 507 : Insufficient Storage", "full", "storage"),
    (URL, 5, "Unexpected server error: HTTP 500", "protocol", "storage"),
    (URL, 112, "Could not connect to server", "unreachable", "storage"),
    (URL, 113, "Domain name resolution failed", "unreachable", "network"),
    (URL, 112, "Server certificate verification failed: issuer is not trusted", "tls", "storage"),
    (URL, 112, "certificate issued for a different hostname", "tls", "storage"),
    (URL, 110, "Connection timed out", "timeout", "storage"),
    (URL, 5, "curl error 56: Failure when receiving data from the peer", "protocol", "storage"),
    (URL, 6, "(Neon): Could not read status line: connection was closed by server", "protocol",
     "storage"),
    (URL, 112, "Could not send request: Connection reset by peer", "protocol", "storage"),
    (URL, 38, "checksum calculation for adler32 not supported", "unsupported", "storage"),
    (URL, 93, "Protocol not supported or path/url invalid", "unsupported", "storage"),
    ("root://h:1//x", 52, "Failed to stat file (Invalid exchange)", "denied", "storage"),
    ("root://h:1//x", 13, "Failed to stat file (Permission denied)", "denied", "storage"),
    ("root://h:1//x", 28, "no space left on device", "full", "storage"),
    ("root://h:1//x", 84, "checksum mismatch: Invalid or incomplete multibyte", "checksum",
     "storage"),
    ("root://h:1//x", 35, "Failed to open file (Resource deadlock avoided)", "overloaded",
     "storage"),
    ("root://h:1//x", 116, "Failed to stat file (Stale file handle)", "timeout", "storage"),
    ("root://h:1//x", 111, "Failed to stat file (Connection refused)", "unreachable", "storage"),
    ("root://h:1//x", 14, "Could not get the checksum (Bad address)", "unsupported", "storage"),
    ("roots://h:1//x", 11, "[FATAL] TLS error", "tls", "storage"),
    ("root://h:1//x", 2, "Failed to stat file (No such file or directory)", "missing", "storage"),
    ("gsiftp://h:1/x", 70, "globus_xio: Unable to connect to h:1", "unreachable", "storage"),
    ("gsiftp://h:1/x", 70, "globus_libc_getaddrinfo failed.", "unreachable", "network"),
    ("gsiftp://h:1/x", 13, "responded with an error 530 530-Login incorrect. : globus_gss_assist:"
     " Gridmap lookup failure", "denied", "storage"),
    ("gsiftp://h:1/x", 70, "responded with an error 500 Command failed : Path not allowed.",
     "denied", "storage"),
    (URL, 4321, "something that nobody has seen yet", "unknown", "storage"),
)  # fmt: skip


@pytest.mark.parametrize(("url", "code", "text", "expected", "side"), GFAL)
def test_what_gfal2_raises(
    sound: Credential, url: str, code: int, text: str, expected: ErrorClass, side: Side
) -> None:
    error = classify_gfal2.explain(code, text, url, sound)
    assert (error.error_class, error.side) == (expected, side)
    assert error.code == code
    assert text in error.message


COPIES: tuple[tuple[str, ErrorClass, Side], ...] = (
    ("(3rd pull) Transfer failure: Remote side failed with status code 404", "missing", "source"),
    ("(3rd push) Transfer failure: Remote side failed with status code 507", "full",
     "destination"),
    ("(3rd pull) Error when interacting with local filesystem: no space left on device", "full",
     "destination"),
    ("(3rd push) Error when interacting with local filesystem: no space left on device", "full",
     "source"),
    ("DESTINATION OVERWRITE HTTP 403 : Permission refused", "denied", "destination"),
    ("SOURCE CHECKSUM HTTP 404", "missing", "source"),
    ("Operation expired (source)", "timeout", "source"),
    ("TRANSFER ERROR: Copy failed (3rd pull). HTTP 503 : Service Unavailable", "overloaded",
     "transfer"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "side"), COPIES)
def test_which_end_of_a_copy_gfal2_means(
    sound: Credential, text: str, expected: ErrorClass, side: Side
) -> None:
    error = classify_gfal2.explain(5, text, URL, sound, SOURCE)
    assert (error.error_class, error.side) == (expected, side)
    ends = {"source": "from.example.org:8443", "destination": "se.example.org:8443"}
    assert error.host == ends.get(side)


XROOTD: tuple[tuple[int, str, ErrorClass, Side], ...] = (
    (3009, "[3009] no space left on device", "full", "storage"),
    (3021, "[3021] quota exceeded", "full", "storage"),
    (3010, "[3010] permission denied", "denied", "storage"),
    (3010, "[3010] Opening path '/etc' is disallowed.", "denied", "storage"),
    (3011, "[3011] No servers are available to read the file.", "missing", "storage"),
    (3012, "[3012] sha9 checksum not supported.", "unsupported", "storage"),
    (3012, "[3012] internal error", "protocol", "storage"),
    (3003, "[3003] file /x is already opened by 1 writer", "overloaded", "storage"),
    (3018, "[3018] file exists", "exists", "storage"),
    (3019, "[3019] checksum error", "checksum", "storage"),
    (3024, "[3024] server overloaded", "overloaded", "storage"),
    (204, "[FATAL] Auth failed: No protocols left to try", "denied", "storage"),
    (101, "[FATAL] Invalid address", "unreachable", "network"),
    (108, "[FATAL] Connection error", "unreachable", "storage"),
    (206, "[ERROR] Operation expired", "timeout", "storage"),
    (103, "[FATAL] Socket timeout", "timeout", "storage"),
    (110, "[FATAL] TLS error", "tls", "storage"),
    (999, "[ERROR] never heard of", "unknown", "storage"),
)


@pytest.mark.parametrize(("code", "text", "expected", "side"), XROOTD)
def test_what_xrootd_says(
    sound: Credential, code: int, text: str, expected: ErrorClass, side: Side
) -> None:
    error = classify_xrootd.explain(code, text, "root://h:1094//x", sound)
    assert (error.error_class, error.side, error.host) == (expected, side, "h:1094")


def test_the_server_behind_a_redirector_is_named(sound: Credential) -> None:
    error = classify_xrootd.explain(206, "x expired", "root://m:1//x", sound, host="d2:1")
    assert error.host == "d2:1"


REFUSALS = (
    classify.http(403, "", URL, NOBODY, "PUT"),
    classify.http(401, "", URL, BAD, "PUT"),
    classify_gfal2.explain(17, "Copy failed: HTTP 403", URL, NOBODY),
    classify_gfal2.explain(52, "Invalid exchange", "root://h:1//x", BAD),
    classify_gfal2.explain(112, "Connection reset by peer", URL, BAD),
    classify_gfal2.explain(13, "permission denied (destination)", URL, NOBODY, SOURCE),
    classify_gfal2.explain(14, "Could not open the user certificate", "gsiftp://h:1/x", BAD),
    classify_xrootd.explain(3010, "permission denied", "root://h:1//x", NOBODY),
    classify_xrootd.explain(204, "Auth failed", "root://h:1//x", BAD),
)


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.message[:30])
def test_a_refusal_without_a_sound_credential_is_our_own_fault(error: Exception) -> None:
    assert (error.error_class, error.side) == ("credential", "tester")  # type: ignore[attr-defined]


def test_the_reason_says_what_is_wrong_with_the_credential() -> None:
    assert "no credential was shown" in REFUSALS[0].message
    assert "there is no proxy at /nowhere/proxy.pem" in REFUSALS[1].message


def test_a_path_outside_of_the_export_is_refused_to_everybody() -> None:
    error = classify_xrootd.explain(3010, "Opening '/etc' is disallowed.", "root://h:1//x", NOBODY)
    assert (error.error_class, error.side) == ("denied", "storage")


def test_what_is_no_matter_of_credentials_does_not_look_at_them() -> None:
    assert classify.http(404, "", URL, BAD).error_class == "missing"
    assert classify_gfal2.explain(111, "Connection refused", URL, BAD).side == "storage"


def test_control_characters_and_nul_are_taken_out(tmp_path: Path) -> None:
    error = classify_gfal2.explain(17, "file exists\\x00 (destination)\n", URL, NOBODY)
    assert error.message == "file exists (destination)"
