from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lakecheck.errors import UsageError
from lakecheck.model import NOBODY, Credential, DriverChoice, Endpoint
from lakecheck.spec import load
from tests.spec.conftest import Write, write

WHOLE = """
lakecheck: 1
inventory:
  ca: certificates
  rses:
    CERN-EOS:
      endpoints: [davs://eos.cern.ch:8443/eos/x/, 'root://eos.cern.ch:1094//eos/x']
      attributes: {country: CH, tier: 0, tape: true, share: 1.5}
      credential: robot
    NO:
      endpoints: ["davs://[2001:db8::7]:443", "davs://b.no:1/x%20y"]
      attributes: {country: NO}
      checksum: none
      tpc: none
      hosts: {latency: ps.no, bandwidth: {ipv4: 192.0.2.7, ipv6: "2001:db8::7"}}
      driver: {name: memory, latency: 2}
credentials:
  robot: {x509: {proxy: "${PROXIES}/robot.pem"}}
tests:
  gfal:
    kind: functional
    every: 1m
    sizes: [100B, 1MiB]
    credentials: [robot, none]
    timeout: 90s
    driver: native
    expect: ["upload.duration < 10m"]
  tpc: {kind: tpc, on: CERN-EOS|NO, sizes: {1MB: 15m, 1GB: 4h}, mesh: {star: NO}, modes: [push]}
"""


def test_the_inventory(spec: Write, folder: Path) -> None:
    inventory = spec(WHOLE, PROXIES="/proxies").inventory
    cern, norway = inventory.rses.values()

    assert list(inventory.rses) == ["CERN-EOS", "NO"]
    assert cern.endpoints[1] == Endpoint(
        rse="CERN-EOS",
        url="root://eos.cern.ch:1094//eos/x",
        scheme="root",
        host="eos.cern.ch",
        port=1094,
        path="//eos/x",
        protocol="root",
        ca=str(folder / "certificates"),
    )
    assert cern.endpoints[0].path == "/eos/x"
    assert dict(cern.attributes) == {"country": "CH", "tier": 0, "tape": True, "share": 1.5}
    assert (cern.credential, cern.driver, cern.origin) == ("robot", None, "a.lake.yaml:6")
    assert norway.attributes["country"] == "NO"
    assert [endpoint.protocol for endpoint in norway.endpoints] == ["davs", "davs-2"]
    assert norway.endpoints[0].host == "2001:db8::7"
    assert norway.endpoints[1].url == "davs://b.no:1/x%20y"
    assert (norway.endpoints[0].checksum, norway.endpoints[0].tpc) == ("none", ())
    assert norway.driver == DriverChoice("memory", {"latency": 2})


def test_the_tests(spec: Write) -> None:
    tests = spec(WHOLE, PROXIES="/proxies").tests

    assert list(tests) == ["gfal", "tpc"]
    gfal, tpc = tests.values()
    assert (gfal.kind, gfal.every, gfal.timeout, gfal.on) == ("functional", 60, 90, "*")
    assert gfal.options.sizes == (100, 2**20)
    assert gfal.options.credentials == ("robot", "none")
    assert gfal.driver == DriverChoice("native")
    assert [(c.text, c.step) for c in gfal.expect] == [("upload.duration < 10m", "upload")]
    assert gfal.origin == "a.lake.yaml:20"
    assert tpc.options.sizes == {10**6: 900, 10**9: 14400}
    assert (tpc.options.mesh, tpc.options.modes) == ({"star": "NO"}, ("push",))
    assert (tpc.timeout, tpc.every, tpc.allow_empty) == (60, None, False)


def test_the_credentials(spec: Write) -> None:
    found = spec(WHOLE, PROXIES="/proxies").credentials

    assert found == {"none": NOBODY, "robot": Credential("robot", "x509", "/proxies/robot.pem")}


def test_a_proxy_path_is_relative_to_its_file(folder: Path) -> None:
    text = "lakecheck: 1\ncredentials: {robot: {x509: {proxy: robot.pem}}}\n"
    write(folder, {"sub/a.lake.yaml": text})

    found = load(["sub/a.lake.yaml"], {}).credentials["robot"]

    assert found.proxy == str(folder / "sub/robot.pem")


def test_an_unset_variable_is_no_fault_where_no_test_needs_it(spec: Write) -> None:
    text = WHOLE.replace("credentials: [robot, none]", "credentials: [none]")
    text = text.replace("      credential: robot\n", "")

    found = spec(text).credentials["robot"]

    assert "${PROXIES}" in found.proxy


def test_names_of_specs(spec: Write, folder: Path) -> None:
    assert spec("lakecheck: 1").name == "a"
    assert load([folder]).name == folder.name
    assert load([Path(".")]).name == folder.name


def test_aliases_repeat_whole_values(spec: Write) -> None:
    text = """
lakecheck: 1
inventory:
  rses:
    A: {endpoints: ["davs://a:1"], attributes: &near {country: NO}}
    B: {endpoints: ["davs://b:1"], attributes: *near}
"""
    assert spec(text).inventory.rses["B"].attributes == {"country": "NO"}


def test_a_path_that_is_not_there(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"^there is no file or folder nowhere$"):
        load(["nowhere"])


def test_a_folder_without_specs(folder: Path) -> None:
    (folder / ".hidden").mkdir()
    (folder / ".hidden/a.lake.yaml").write_text("lakecheck: 1")

    with pytest.raises(UsageError, match=r"^the folder \. holds no spec; specs end in"):
        load(["."])


def test_the_environment_is_taken_where_none_is_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXIES", "/from/environment")
    write(folder, {"a.lake.yaml": WHOLE})

    assert load(["a.lake.yaml"]).credentials["robot"].proxy == "/from/environment/robot.pem"


def test_a_large_inventory_loads_at_once(spec: Write) -> None:
    rses = "".join(
        f"    RSE-{n}: {{endpoints: [davs://h{n}:1/p, root://h{n}:2//p, gsiftp://h{n}:3/p], "
        f"attributes: {{country: NO, tier: {n % 4}}}}}\n"
        for n in range(300)
    )
    text = f"lakecheck: 1\ninventory:\n  rses:\n{rses}tests: {{f: {{kind: functional}}}}\n"
    started = time.process_time()

    found = spec(text)

    assert len(found.inventory.rses) == 300
    # A tenth of this here; the bound is for machines that are busy with something else.
    assert time.process_time() - started < 5


def test_unreadable_files_are_faults(folder: Path) -> None:
    os.symlink("nowhere", folder / "a.lake.yaml")

    with pytest.raises(UsageError) as caught:
        load(["a.lake.yaml"])

    assert str(caught.value) == ("a.lake.yaml: the file cannot be read: no such file or directory")
