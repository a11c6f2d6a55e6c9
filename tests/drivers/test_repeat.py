"""The commands that repeat a step by hand are run, as a person would, against real servers."""

from __future__ import annotations

import os
import subprocess
import zlib
from pathlib import Path

import pytest

from lakecheck import registry
from lakecheck.devlake import Lake
from lakecheck.drivers.repeat import gfal2_command, xrootd_command
from lakecheck.errors import UsageError
from lakecheck.model import NOBODY, Credential

STEPS = ("upload", "stat", "checksum", "download", "delete")


def in_shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell; where no `python` is, gfal's scripts need to be told of one."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "LC_ALL": "C.UTF-8"}
    environment["GFAL_PYTHONBIN"] = "/usr/bin/python3"
    shell = ["sh", "-c", command]
    return subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=100)


def by_hand(command: str) -> str:
    done = in_shell(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    ("driver", "scheme"), [("gfal2", "root"), ("gfal2", "davs"), ("xrootd", "root")]
)
def test_printed_commands_work(lake: Lake, tmp_path: Path, driver: str, scheme: str) -> None:
    file, back = tmp_path / "it's a file", tmp_path / "back again"
    file.write_text("content\n")
    url = f"{lake.rses['LAKE-1'].endpoints[scheme]}/repeat-{driver}/a/file"
    tools = registry.load("drivers", driver)
    said = {}
    for step in STEPS:
        local = back if step == "download" else file
        said[step] = by_hand(tools.tools(step, url, str(local), NOBODY, str(lake.ca)))
    assert back.read_text() == "content\n"
    assert f"{zlib.adler32(file.read_bytes()):08x}" in said["checksum"].lower()
    assert not (lake.data_dir("LAKE-1") / f"repeat-{driver}/a/file").exists()


@pytest.mark.parametrize("driver", ["gfal2", "xrootd"])
def test_a_printed_copy_works(lake: Lake, tmp_path: Path, driver: str) -> None:
    file = tmp_path / "file"
    file.write_text("content\n")
    source, destination = (f"{lake.rses[rse].root}/repeat/{driver}" for rse in ("LAKE-1", "LAKE-2"))
    tools = registry.load("drivers", driver)
    by_hand(tools.tools("upload", source, str(file), NOBODY, ""))
    by_hand(tools.tools("copy", destination, source, NOBODY, ""))
    assert (lake.data_dir("LAKE-2") / f"repeat/{driver}").read_text() == "content\n"
    for url in (source, destination):
        by_hand(tools.tools("delete", url, "", NOBODY, ""))


def test_a_printed_command_shows_the_credential(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("content\n")
    url = f"{lake.rses['LAKE-GSIFTP'].gsiftp}/by-hand"
    there = lake.data_dir("LAKE-GSIFTP") / "by-hand"
    who = Credential("lake", "x509", str(lake.proxy))
    # What counts is the file: after gsiftp, gfal's tools now and then crash when they are done.
    in_shell(gfal2_command("upload", url, str(file), who, str(lake.ca)))
    assert there.read_text() == "content\n"
    in_shell(gfal2_command("delete", url, "", who, str(lake.ca)))
    assert not there.exists()


def test_what_stands_in_front_is_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "my CAs"
    folder.mkdir()
    who = Credential("me", "x509", "/run/my proxy")
    command = xrootd_command("stat", "root://h:1//x y", "", who, str(folder))
    assert command == (
        f"X509_USER_PROXY='/run/my proxy' X509_CERT_DIR='{folder}' SSL_CERT_DIR='{folder}'"
        " xrdfs root://h:1 stat '/x y'"
    )
    bundle = gfal2_command("stat", "davs://h:1/x", "", NOBODY, "/etc/ca.pem")
    expected = "X509_CERT_FILE=/etc/ca.pem SSL_CERT_FILE=/etc/ca.pem gfal-stat davs://h:1/x"
    assert bundle == expected


def test_a_step_that_no_tool_does() -> None:
    with pytest.raises(UsageError, match='"dance" cannot be repeated by hand; known: upload'):
        gfal2_command("dance", "davs://h:1/x", "", NOBODY, "")
