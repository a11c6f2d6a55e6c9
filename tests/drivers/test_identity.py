from __future__ import annotations

import os
from pathlib import Path

import pytest

from lakecheck.devlake import pki
from lakecheck.drivers.authorities import Authorities
from lakecheck.drivers.identity import identity
from lakecheck.errors import TesterFailed
from lakecheck.model import NOBODY, Credential

MINE = {"BEARER_TOKEN": "secret", "X509_USER_CERT": "/c", "X509_USER_PROXY": "/p", "PATH": "/bin"}


def test_nobody_shows_nothing_of_the_caller() -> None:
    environment = identity(NOBODY, 60, ()).environment(MINE)
    assert environment["PATH"] == "/bin"
    assert not Path(environment["X509_USER_PROXY"]).exists()
    assert environment["X509_USER_PROXY"] != "/p"
    assert environment.keys().isdisjoint({"BEARER_TOKEN", "X509_USER_CERT"})


def test_a_proxy_is_shown_and_delegated_only_for_copies(tmp_path: Path) -> None:
    who = Credential("robot", "x509", str(tmp_path / "proxy"))
    plain = identity(who, 60, ()).environment(MINE)
    assert plain["X509_USER_PROXY"] == who.proxy
    assert "XrdSecGSIDELEGPROXY" not in plain
    copying = identity(who, 60, (), delegates=True).environment(MINE)
    assert copying["XrdSecGSIDELEGPROXY"] == "1"


def test_a_replaced_proxy_is_a_new_generation(tmp_path: Path) -> None:
    proxy = tmp_path / "proxy"
    who = Credential("robot", "x509", str(proxy))
    absent = identity(who, 60, ())
    proxy.write_text("first")
    first = identity(who, 60, ())
    assert identity(who, 60, ()) == first != absent
    (tmp_path / "new").write_text("second")
    (tmp_path / "new").replace(proxy)
    assert identity(who, 60, ()) != first
    assert identity(who, 60, ()).credential == first.credential


def test_limits_follow_the_timeout() -> None:
    environment = identity(NOBODY, 2.5, ()).environment({})
    assert environment["XRD_REQUESTTIMEOUT"] == environment["LAKECHECK_TIMEOUT"] == "3"
    assert identity(NOBODY, 2.5, ()) != identity(NOBODY, 60, ())


def own(
    monkeypatch: pytest.MonkeyPatch, scratch: Path, bundle: Path, folder: Path
) -> dict[str, str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    return dict(Authorities(str(scratch)).settings("", ""))


def test_of_the_machines_own_authorities_the_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki.write_folder(pki.make_authority("One"), tmp_path / "ca")
    bundle = next((tmp_path / "ca").glob("*.0"))
    settings = own(monkeypatch, tmp_path, bundle, tmp_path / "ca")
    assert settings == {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": str(tmp_path / "ca")}


def test_a_bundle_that_holds_more_than_the_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki.write_folder(pki.make_authority("One"), tmp_path / "ca")
    bundle = tmp_path / "more.pem"
    bundle.write_bytes(pki.make_authority("Two").certificate_pem)
    assert own(monkeypatch, tmp_path, bundle, tmp_path / "ca") == {}


def test_a_folder_of_hashes_is_read_by_hash_alone(tmp_path: Path) -> None:
    folder, scratch = tmp_path / "ca", tmp_path / "scratch"
    scratch.mkdir()
    pki.write_folder(pki.make_authority("One"), folder)
    settings = dict(Authorities(str(scratch)).settings(str(folder)))
    assert settings["SSL_CERT_FILE"] == os.devnull
    assert os.listdir(settings["SSL_CERT_DIR"]) == []
    assert settings["X509_CERT_DIR"] == str(folder)


def test_a_folder_without_hashes_becomes_a_bundle_that_holds_each_once(tmp_path: Path) -> None:
    folder, scratch = tmp_path / "ca", tmp_path / "scratch"
    for each in (folder, scratch):
        each.mkdir()
    authority = pki.make_authority("One").certificate_pem
    for name in ("one.pem", "again.pem"):
        (folder / name).write_bytes(authority)
    settings = dict(Authorities(str(scratch)).settings(str(folder)))
    assert Path(settings["SSL_CERT_FILE"]).read_bytes().strip() == authority.strip()
    assert settings["X509_CERT_DIR"] == str(folder)


def test_two_folders_are_trusted_together(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pki.write_folder(pki.make_authority(name), tmp_path / name)
    (tmp_path / "scratch").mkdir()
    authorities = Authorities(str(tmp_path / "scratch"))
    settings = authorities.settings(str(tmp_path / "one"), str(tmp_path / "two"))
    found = dict(settings)
    hashes = {path.name for name in ("one", "two") for path in (tmp_path / name).glob("*.0")}
    assert hashes <= set(os.listdir(found["X509_CERT_DIR"]))
    assert authorities.settings(str(tmp_path / "two"), str(tmp_path / "one")) is settings


def test_a_link_with_one_named_authority_trusts_the_usual_ones_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "grid"):
        pki.write_folder(pki.make_authority(name), tmp_path / name)
    monkeypatch.setenv("X509_CERT_DIR", str(tmp_path / "grid"))
    (tmp_path / "scratch").mkdir()
    settings = dict(Authorities(str(tmp_path / "scratch")).settings(str(tmp_path / "one"), ""))
    hashes = {path.name for name in ("one", "grid") for path in (tmp_path / name).glob("*.0")}
    assert hashes <= set(os.listdir(settings["X509_CERT_DIR"]))


def test_a_bundle_is_used_as_it_is(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pki.make_authority("One").certificate_pem)
    settings = dict(Authorities(str(tmp_path)).settings(str(bundle)))
    assert settings["SSL_CERT_FILE"] == settings["X509_CERT_FILE"] == str(bundle)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TesterFailed, match=name):
        Authorities(str(tmp_path)).settings(str(tmp_path / name))
