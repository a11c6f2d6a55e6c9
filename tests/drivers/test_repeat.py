"""The commands that repeat a step by hand are run, as a person would, against real servers."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from lakecheck import registry
from lakecheck.devlake import Lake
from lakecheck.drivers.base import Driver
from lakecheck.drivers.repeat import (
    gfal2_command,
    gfal2_environment,
    xrootd_command,
    xrootd_environment,
)
from lakecheck.errors import UsageError
from lakecheck.model import NOBODY, Credential

STEPS = ("upload", "stat", "checksum", "download", "delete")


class Hand:
    """Somebody who types the commands for steps in a virtual environment that lacks gfal2."""

    def __init__(self, driver: str, who: Credential, ca: str) -> None:
        self._driver: Driver = registry.load("drivers", driver)
        self._who = who
        self._ca = ca

    def command(self, step: str, url: str, other: str, **more: Any) -> str:
        return self._driver.tools(step, url, other, self._who, self._ca, **more)

    def attempt(
        self, step: str, url: str, other: str = "", **more: Any
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": "/",
            "LC_ALL": "C.UTF-8",
            **self._driver.environment(step, self._who, self._ca),
        }
        shell = ["sh", "-c", self.command(step, url, other, **more)]
        return subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=100)

    def do(self, step: str, url: str, other: str = "", **more: Any) -> str:
        done = self.attempt(step, url, other, **more)
        assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.mark.parametrize(
    ("driver", "scheme"), [("gfal2", "root"), ("gfal2", "davs"), ("xrootd", "root")]
)
def test_printed_commands_work(lake: Lake, tmp_path: Path, driver: str, scheme: str) -> None:
    file, back = tmp_path / "it's a file", tmp_path / "back again"
    file.write_text("content\n")
    url = f"{lake.rses['LAKE-1'].endpoints[scheme]}/repeat-{driver}/a/file"
    hand = Hand(driver, NOBODY, str(lake.ca))
    said = {}
    for step in STEPS:
        said[step] = hand.do(step, url, str(back if step == "download" else file))
        if (driver, scheme, step) == ("gfal2", "davs", "stat"):
            md5 = hashlib.md5(file.read_bytes()).hexdigest()
            assert md5 in hand.do("checksum", url, algorithm="md5").lower()
    assert back.read_text() == "content\n"
    assert f"{zlib.adler32(file.read_bytes()):08x}" in said["checksum"].lower()
    assert not (lake.data_dir("LAKE-1") / f"repeat-{driver}/a/file").exists()


@pytest.mark.parametrize("driver", ["gfal2", "xrootd"])
def test_a_printed_copy_works(lake: Lake, tmp_path: Path, driver: str) -> None:
    file = tmp_path / "file"
    file.write_text("content\n")
    source, destination = (f"{lake.rses[rse].root}/repeat/{driver}" for rse in ("LAKE-1", "LAKE-2"))
    hand = Hand(driver, NOBODY, "")
    hand.do("upload", source, str(file))
    hand.do("copy", destination, source)
    assert (lake.data_dir("LAKE-2") / f"repeat/{driver}").read_text() == "content\n"
    for url in (source, destination):
        hand.do("delete", url)


@pytest.mark.parametrize("driver", ["gfal2", "webdav"])
@pytest.mark.parametrize("mode", ["pull", "push"])
def test_a_printed_copy_is_of_the_mode_that_was_asked(
    lake: Lake, tmp_path: Path, driver: str, mode: str
) -> None:
    file = tmp_path / "file"
    file.write_text("content\n")
    name = f"by-hand-{driver}-{mode}"
    source, destination = (f"{lake.rses[rse].davs}/{name}" for rse in ("LAKE-1", "LAKE-2"))
    hand = Hand(driver, NOBODY, str(lake.ca))
    hand.do("upload", source, str(file))
    words = shlex.split(hand.command("copy", destination, source, mode=mode))
    if driver == "gfal2":
        assert words[words.index("--copy-mode") + 1] == mode
    else:  # the last word is the end that is asked, so the one that leads
        assert words[-1].removeprefix("https") == {"pull": destination, "push": source}[
            mode
        ].removeprefix("davs")
    hand.do("copy", destination, source, mode=mode)
    assert (lake.data_dir("LAKE-2") / name).read_text() == "content\n"
    for url in (source, destination):
        hand.do("delete", url)


def test_a_printed_command_shows_the_credential(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("content\n")
    url = f"{lake.rses['LAKE-GSIFTP'].gsiftp}/by-hand"
    there = lake.data_dir("LAKE-GSIFTP") / "by-hand"
    who = Credential("lake", "x509", str(lake.proxy))
    # What counts is the file: after gsiftp, gfal's tools now and then crash when they are done.
    hand = Hand("gfal2", who, str(lake.ca))
    hand.attempt("upload", url, str(file))
    assert there.read_text() == "content\n"
    hand.attempt("delete", url)
    assert not there.exists()


def test_what_the_tools_are_told_by_the_environment(tmp_path: Path) -> None:
    who = Credential("me", "x509", "/run/proxy")
    folder = str(tmp_path)
    told = {"X509_USER_PROXY": "/run/proxy", "X509_CERT_DIR": folder, "SSL_CERT_DIR": folder}
    assert xrootd_environment("stat", who, folder) == told
    assert xrootd_environment("copy", who, folder) == told | {"XrdSecGSIDELEGPROXY": "1"}
    assert xrootd_environment("copy", NOBODY, "") == {}
    assert gfal2_environment(NOBODY, "/etc/ca.pem") == {
        "X509_CERT_FILE": "/etc/ca.pem",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "GFAL_PYTHONBIN": "/usr/bin/python3",
    }


def test_odd_names_are_quoted() -> None:
    command = xrootd_command("stat", "root://h:1//x y", "", "adler32")
    assert command == "xrdfs root://h:1 stat '/x y'"


def test_the_checksum_that_the_endpoint_has_is_asked_for() -> None:
    for driver, word in (("gfal2", "MD5"), ("xrootd", "cks.type=md5"), ("webdav", "md5")):
        hand = Hand(driver, NOBODY, "")
        url = "davs://h:1/x" if driver == "webdav" else "root://h:1//x"
        assert word in hand.command("checksum", url, "", algorithm="md5")


def test_a_step_that_no_tool_does() -> None:
    with pytest.raises(UsageError, match='"dance" cannot be repeated by hand; known: upload'):
        gfal2_command("dance", "davs://h:1/x", "", NOBODY, "pull", "adler32")
