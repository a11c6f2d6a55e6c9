from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

import msgspec
import pytest
import yaml

from lakecheck.devlake import Lake
from lakecheck.errors import UsageError
from tests.devlake.clients import Clients

ENDPOINTS = [
    ("LAKE-1", "root"),
    ("LAKE-1", "davs"),
    ("LAKE-REDIR", "root"),
    ("LAKE-REDIR", "davs"),
    ("LAKE-GSIFTP", "gsiftp"),
    ("LAKE-APACHE", "davs"),
]


@pytest.mark.parametrize(("rse", "scheme"), ENDPOINTS)
def test_every_endpoint_keeps_files(spoiled: Lake, clients: Clients, rse: str, scheme: str) -> None:
    url = f"{spoiled.rses[rse].endpoints[scheme]}/kept-by-{scheme}"
    assert clients.upload(url) == 0, clients.said
    assert clients.download(url) == 0, clients.said
    assert clients.fetched.read_bytes() == clients.content
    on_disk = [
        spoiled.data_dir(rse, server) / f"kept-by-{scheme}"
        for server in range(len(spoiled.rses[rse].data))
    ]
    assert [file.read_bytes() for file in on_disk if file.exists()] == [clients.content]


@pytest.mark.parametrize("rse", ["LAKE-1", "LAKE-REDIR"])
def test_root_and_davs_give_the_same_checksums_of_the_same_file(
    spoiled: Lake, clients: Clients, rse: str
) -> None:
    here = spoiled.rses[rse]
    assert clients.upload(f"{here.root}/summed") == 0, clients.said
    expected = f"{zlib.adler32(clients.content):08x}"
    address = here.root.removesuffix("//data")
    clients.run(["xrdfs", address, "query", "checksum", "/data/summed"])
    assert clients.said.split() == ["adler32", expected]
    ask = ["curl", "-sS", "-I", "-L", "-H", "Want-Digest: adler32"]
    ask += ["--cacert", str(spoiled.ca / "ca-bundle.pem")]
    clients.run([*ask, f"{here.davs.replace('davs:', 'https:')}/summed"])
    assert re.findall(r"(?i)^digest: adler32=(\w+)", clients.said, re.MULTILINE) == [expected]


def test_a_checksum_is_never_waited_for_in_vain(spoiled: Lake, clients: Clients) -> None:
    # XRootD 5.5 without the lake's plug-in hangs or crashes here within some hundred rounds.
    url = spoiled.rses["LAKE-1"].davs.replace("davs:", "https:")
    base = ["curl", "-sS", "-f", "--cacert", str(spoiled.ca / "ca-bundle.pem")]
    rounds = range(60)
    sources = [part for n in rounds for part in ("-T", str(clients.local), f"{url}/sum-{n}")]
    assert clients.run([*base, *sources], 60) == 0, clients.said
    heads = [f"{url}/sum-{n}" for n in rounds]
    assert clients.run([*base, "-I", "-H", "Want-Digest: adler32", *heads], 60) == 0, clients.said
    assert clients.said.lower().count("digest: adler32=") == len(rounds)
    assert spoiled.record.servers[0].restarts == 0


def test_the_inventory_is_complete_by_itself(spoiled: Lake) -> None:
    content = yaml.safe_load(spoiled.inventory.read_text())
    assert content["lakecheck"] == 1
    inventory, folder = content["inventory"], spoiled.inventory.parent
    assert (folder / inventory["ca"]).resolve() == spoiled.ca
    proxy = content["credentials"]["lake"]["x509"]["proxy"]
    assert (folder / proxy).read_text().count("BEGIN CERTIFICATE") == 2
    rses = inventory["rses"]
    assert list(rses) == ["LAKE-1", "LAKE-REDIR", "LAKE-GSIFTP", "LAKE-APACHE"]
    for name, rse in rses.items():
        assert rse["endpoints"] == list(spoiled.rses[name].endpoints.values())
        assert set(rse["attributes"]) == {"country", "site", "quota", "QOS"}
    assert (rses["LAKE-APACHE"]["checksum"], rses["LAKE-APACHE"]["tpc"]) == ("none", "none")
    assert rses["LAKE-GSIFTP"]["credential"] == "lake"
    assert rses["LAKE-1"]["credential"] == "none"


def test_the_record_tells_servers_addresses_and_versions(spoiled: Lake) -> None:
    record = msgspec.json.decode((spoiled.folder / "lake.json").read_bytes())
    programs = [server["program"] for server in record["servers"]]
    assert sorted(programs) == sorted(
        ["xrootd"] * 4 + ["cmsd"] * 3 + ["globus-gridftp-server", "apache2"]
    )
    for server in record["servers"]:
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?", server["version"])
        assert server["state"] == "up"
        command = Path(f"/proc/{server['process']['pid']}/cmdline").read_bytes()
        assert server["program"].encode() in command
    low, high = record["ports"]
    addresses = [server["address"] for server in record["servers"] if server["address"]]
    assert all(low <= int(address.rpartition(":")[2]) <= high < 32768 for address in addresses)


def test_the_environment_file_is_for_shells(spoiled: Lake, clients: Clients) -> None:
    ask = f'. "{spoiled.folder}/env" && echo "$X509_CERT_DIR" "$X509_USER_PROXY"'
    assert clients.run(["sh", "-c", ask]) == 0
    assert clients.said.split() == [str(spoiled.ca), str(spoiled.proxy)]


def test_servers_never_run_as_root(spoiled: Lake) -> None:
    for server in spoiled.record.servers:
        assert server.process is not None
        process = server.process.running()
        assert process is not None
        assert process.uids().real != 0 or os.geteuid() != 0


def test_a_dead_data_server_leaves_its_manager_alive(spoiled: Lake, clients: Clients) -> None:
    here = spoiled.rses["LAKE-REDIR"]
    names = [f"spread-{n}" for n in range(6)]
    for name in names:
        assert clients.upload(f"{here.root}/{name}") == 0, clients.said
    held = {name: (spoiled.data_dir("LAKE-REDIR", 1) / name).exists() for name in names}
    assert set(held.values()) == {True, False}
    spoiled.kill("LAKE-REDIR", server=1)
    try:
        states = {s.name: s.state for s in spoiled.record.servers if s.rse == "LAKE-REDIR"}
        assert {name for name, state in states.items() if state != "up"} == {"LAKE-REDIR-2"}
        for name in names:
            assert (clients.download(f"{here.root}/{name}") != 0) == held[name]
    finally:
        spoiled.fault("LAKE-REDIR", "none")
    assert all(clients.download(f"{here.root}/{name}") == 0 for name in names)


def test_a_data_server_that_is_not_there_cannot_be_killed(spoiled: Lake) -> None:
    with pytest.raises(UsageError, match="LAKE-1 has 1 data servers, counted from 0, and no 1"):
        spoiled.kill("LAKE-1", server=1)


def test_two_lakes_live_side_by_side(spoiled: Lake, tmp_path: Path) -> None:
    with Lake.start(tmp_path / "other", only=["LAKE-1"]) as other:
        ours, theirs = Clients(spoiled, tmp_path), Clients(other, tmp_path)
        assert ours.upload(f"{spoiled.rses['LAKE-1'].davs}/mine") == 0, ours.said
        assert theirs.upload(f"{other.rses['LAKE-1'].davs}/mine") == 0, theirs.said
        # Each has a CA of its own.
        assert ours.download(f"{other.rses['LAKE-1'].davs}/mine") == 60
    assert ours.download(f"{spoiled.rses['LAKE-1'].davs}/mine") == 0, ours.said


def test_a_second_lake_in_one_folder_is_refused(spoiled: Lake) -> None:
    with pytest.raises(UsageError, match=r"a lake is up in .* already"):
        Lake.start(spoiled.folder)
