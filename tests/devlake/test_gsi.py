"""A lake that demands X.509: GSI on root://, client certificates on https."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lakecheck.devlake import Lake
from tests.devlake.clients import Clients

ENDPOINTS = [("LAKE-1", "root"), ("LAKE-1", "davs"), ("LAKE-REDIR", "root"), ("LAKE-REDIR", "davs")]
# The first key exchange takes seconds on a busy machine.
PATIENT = {"XRD_CONNECTIONWINDOW": "20", "XRD_REQUESTTIMEOUT": "20", "XRD_STREAMTIMEOUT": "20"}
DENIED = {"root": 52, "davs": 22}  # "Auth failed"; curl: an HTTP error (403)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("secured")
    with Lake.start(folder, only=["LAKE-1", "LAKE-2", "LAKE-REDIR"], gsi=True) as lake:
        yield lake


@pytest.mark.parametrize(("rse", "scheme"), ENDPOINTS)
def test_the_lakes_credential_opens_and_none_does_not(
    secured: Lake, tmp_path: Path, rse: str, scheme: str
) -> None:
    url = f"{secured.rses[rse].endpoints[scheme]}/secured-{scheme}"
    known = Clients(secured, tmp_path)
    known.settings = PATIENT
    assert known.upload(url, 60) == 0, known.said
    assert known.download(url, 60) == 0, known.said
    assert known.fetched.read_bytes() == known.content
    unknown = Clients(secured, tmp_path, credential=False)
    unknown.settings = PATIENT
    assert unknown.download(url, 60) == DENIED[scheme], unknown.said


@pytest.mark.parametrize("mode", ["pull", "push"])
def test_third_party_copies_run_on_macaroons(secured: Lake, tmp_path: Path, mode: str) -> None:
    clients = Clients(secured, tmp_path)
    source, target = (secured.rses[rse].davs for rse in ("LAKE-1", "LAKE-2"))
    assert clients.upload(f"{source}/copied") == 0, clients.said
    copy = ["gfal-copy", "--copy-mode", mode, f"{source}/copied", f"{target}/copied-{mode}"]
    clients.settings = {
        "SSL_CERT_FILE": str(secured.ca / "ca-bundle.pem"),
        "SSL_CERT_DIR": str(tmp_path),
    }
    assert clients.run(copy) == 0, clients.said
    copied = secured.data_dir("LAKE-2") / f"copied-{mode}"
    assert copied.read_bytes() == clients.content


def test_third_party_copies_over_root_delegate_the_proxy(secured: Lake, tmp_path: Path) -> None:
    clients = Clients(secured, tmp_path)
    clients.settings = {**PATIENT, "XrdSecGSIDELEGPROXY": "1"}
    source, target = (secured.rses[rse].root for rse in ("LAKE-1", "LAKE-2"))
    assert clients.upload(f"{source}/delegated", 60) == 0, clients.said
    copy = ["xrdcp", "-s", "--tpc", "delegate", "only"]
    assert clients.run([*copy, f"{source}/delegated", f"{target}/delegated"], 60) == 0, clients.said
    assert (secured.data_dir("LAKE-2") / "delegated").read_bytes() == clients.content


def test_a_strangers_gsi_server_is_refused(secured: Lake, tmp_path: Path) -> None:
    clients = Clients(secured, tmp_path)
    clients.settings = PATIENT
    secured.fault("LAKE-2", "untrusted")
    try:
        assert clients.upload(f"{secured.rses['LAKE-2'].root}/x", 60) == 52, clients.said
    finally:
        secured.fault("LAKE-2", "none")


def test_the_inventory_names_the_credential(secured: Lake) -> None:
    rses = yaml.safe_load(secured.inventory.read_text())["inventory"]["rses"]
    assert {rse["credential"] for rse in rses.values()} == {"lake"}
