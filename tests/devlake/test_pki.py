from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lakecheck.devlake import pki


@pytest.fixture(scope="module")
def authority() -> pki.Identity:
    return pki.make_authority("Test CA")


@pytest.fixture(scope="module")
def folder(authority: pki.Identity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "certificates"
    pki.write_folder(authority, folder)
    return folder


def openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_folder_has_both_hashes_with_signing_policies(
    authority: pki.Identity, folder: Path
) -> None:
    pem = str(folder / "ca-bundle.pem")
    for option in ("-subject_hash", "-subject_hash_old"):
        digest = openssl("x509", "-noout", option, "-in", pem).strip()
        assert (folder / f"{digest}.0").read_bytes() == authority.certificate_pem
        policy = (folder / f"{digest}.signing_policy").read_text()
        assert "access_id_CA X509 '/DC=lakecheck/O=Embedded Lake/CN=Test CA'" in policy


@pytest.mark.parametrize("name", [("-verify_ip", "127.0.0.1"), ("-verify_hostname", "localhost")])
def test_a_host_is_trusted_by_name_and_address(
    authority: pki.Identity, folder: Path, tmp_path: Path, name: tuple[str, str]
) -> None:
    host = tmp_path / "host.pem"
    host.write_bytes(pki.make_host(authority).certificate_pem)
    assert f"{host}: OK" in openssl("verify", "-CApath", str(folder), *name, str(host))


def test_a_strangers_host_is_not_trusted(folder: Path, tmp_path: Path) -> None:
    host = tmp_path / "host.pem"
    host.write_bytes(pki.make_host(pki.make_authority("Other CA")).certificate_pem)
    said = openssl("verify", "-CApath", str(folder), str(host))
    assert "unable to get local issuer certificate" in said


def test_a_proxy_is_one_in_the_sense_of_rfc_3820(
    authority: pki.Identity, folder: Path, tmp_path: Path
) -> None:
    user = pki.make_user(authority, "Somebody")
    file = tmp_path / "proxy.pem"
    pki.write_private(file, pki.make_proxy(user), None)
    verify = ["verify", "-CApath", str(folder), "-untrusted", str(file)]
    assert f"{file}: OK" in openssl(*verify, "-allow_proxy_certs", str(file))
    assert "proxy certificates not allowed" in openssl(*verify, str(file))
    text = openssl("x509", "-noout", "-text", "-in", str(file))
    assert "Proxy Certificate Information: critical" in text
    assert "Policy Language: Inherit all" in text
    assert os.stat(file).st_mode & 0o777 == 0o400


def test_a_subject_is_written_as_grid_mapfiles_have_it(authority: pki.Identity) -> None:
    user = pki.make_user(authority, "Somebody")
    assert pki.subject_of(user.certificate) == "/DC=lakecheck/O=Embedded Lake/CN=Somebody"
