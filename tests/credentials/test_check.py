from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from lakecheck.credentials import check, place
from lakecheck.devlake import pki
from lakecheck.errors import BadCredential
from lakecheck.model import NOBODY, Credential

CA = pki.make_authority("Some CA")
USER = pki.make_user(CA, "Jane Doe")


def robot(path: Path) -> Credential:
    return Credential("robot", "x509", str(path))


def written(path: Path, content: bytes) -> Credential:
    pki.write_private(path, content, None)
    return robot(path)


def reason(credential: Credential, now: datetime.datetime | None = None) -> str:
    with pytest.raises(BadCredential) as caught:
        check(credential, now)
    assert caught.value.side == "tester"
    assert caught.value.phase == "authenticate"
    return caught.value.message


def test_nobody_is_always_sound() -> None:
    state = check(NOBODY)
    assert (state.kind, state.valid_until, state.seconds_left()) == ("none", None, None)


def test_a_sound_proxy_tells_who_and_how_long(tmp_path: Path) -> None:
    lifetime = datetime.timedelta(hours=12)
    state = check(written(tmp_path / "proxy", pki.make_proxy(USER, lifetime)))
    assert state.subject == "/DC=lakecheck/O=Embedded Lake/CN=Jane Doe"
    assert state.issuer == "/DC=lakecheck/O=Embedded Lake/CN=Some CA"
    assert state.path == str(tmp_path / "proxy")
    left = state.seconds_left()
    assert left is not None
    assert 0 < left <= 12 * 3600


def test_a_plain_certificate_with_its_key_is_sound_too(tmp_path: Path) -> None:
    state = check(written(tmp_path / "user", USER.certificate_pem + USER.key_pem))
    assert state.subject.endswith("/CN=Jane Doe")


def test_the_certificate_that_ends_first_counts(tmp_path: Path) -> None:
    longer = datetime.timedelta(days=400)
    credential = written(tmp_path / "proxy", pki.make_proxy(USER, longer))
    assert check(credential).valid_until == USER.certificate.not_valid_after_utc


def test_a_proxy_that_ended(tmp_path: Path) -> None:
    ended = pki.make_proxy(USER, datetime.timedelta(minutes=-1))
    message = reason(written(tmp_path / "proxy", ended))
    assert message.startswith(f'credential "robot": the proxy {tmp_path}/proxy ended at 20')
    assert message.endswith("UTC; make one with voms-proxy-init or grid-proxy-init")


def test_a_proxy_that_is_not_valid_yet(tmp_path: Path) -> None:
    credential = written(tmp_path / "proxy", pki.make_proxy(USER))
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    assert "is valid only from" in reason(credential, before)


def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    assert f"there is no proxy at {tmp_path}/proxy" in reason(robot(tmp_path / "proxy"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no certificate"),
        (b"no PEM at all \xff\xfe", "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
        (USER.certificate_pem, "holds no usable private key"),
        (USER.key_pem, "holds no certificate"),
        (USER.certificate_pem + CA.key_pem, "the private key does not belong to the certificate"),
    ],
)
def test_files_that_are_no_proxy(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in reason(written(tmp_path / "proxy", content))


def test_a_proxy_that_others_may_read(tmp_path: Path) -> None:
    credential = written(tmp_path / "proxy", pki.make_proxy(USER))
    (tmp_path / "proxy").chmod(0o644)
    assert f"run: chmod 600 {tmp_path}/proxy" in reason(credential)


def test_a_folder_instead_of_a_proxy(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in reason(robot(tmp_path))


def test_without_a_path_the_usual_places_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = Credential("robot", "x509")
    monkeypatch.setenv("X509_USER_PROXY", "/run/proxy")
    assert place(unnamed) == "/run/proxy"
    monkeypatch.delenv("X509_USER_PROXY")
    assert place(unnamed).startswith("/tmp/x509up_u")
    assert place(NOBODY) == ""


def test_no_secret_is_in_what_is_said(tmp_path: Path) -> None:
    secret = USER.key_pem.splitlines()[3].decode()
    message = reason(written(tmp_path / "proxy", CA.certificate_pem + USER.key_pem))
    assert secret not in message
    assert secret not in repr(check(written(tmp_path / "good", pki.make_proxy(USER))))
