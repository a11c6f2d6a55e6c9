from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from lakecheck.drivers.webdav import DRIVER
from lakecheck.model import NOBODY, Credential

URL = "davs://h.example:443/data/a b"
ROBOT = Credential("robot", "x509", "/proxies/robot")


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("upload", "curl -fsSL --cacert /ca.pem -T /tmp/x https://h.example:443/data/a%20b"),
        ("download", "curl -fsSL --cacert /ca.pem -o /tmp/x https://h.example:443/data/a%20b"),
        ("delete", "curl -fsSL --cacert /ca.pem -X DELETE https://h.example:443/data/a%20b"),
    ],
)
def test_commands(step: str, command: str) -> None:
    assert DRIVER.tools(step, URL, "/tmp/x", NOBODY, "/ca.pem") == command


def test_a_copy_with_a_proxy_names_the_token_but_holds_none(tmp_path: Path) -> None:
    command = DRIVER.tools("copy", URL, "davs://s.example:1/b", ROBOT, str(tmp_path))
    folder, _, copy = command.partition("; ")
    assert folder.endswith("-o /dev/null -X MKCOL https://h.example:443/data")
    words = shlex.split(copy)
    assert words[:6] == ["curl", "-fsSL", "--capath", str(tmp_path), "--cert", "/proxies/robot"]
    assert "Source: https://s.example:1/b" in words
    assert "TransferHeaderAuthorization: Bearer <macaroon of the source>" in words


def test_a_push_is_asked_of_the_source(tmp_path: Path) -> None:
    command = DRIVER.tools("copy", URL, "davs://s.example:1/b", ROBOT, str(tmp_path), "push")
    words = shlex.split(command.partition("; ")[2])
    assert words[-1] == "https://s.example:1/b"
    assert "Destination: https://h.example:443/data/a%20b" in words
    assert "TransferHeaderAuthorization: Bearer <macaroon of the destination>" in words


def test_the_commands_work(lake: Lake, tmp_path: Path) -> None:
    """As a person would do it: up, look, copy, down, compare, remove."""
    (tmp_path / "up").write_bytes(b"by hand")
    first = f"{lake.rses['LAKE-1'].davs}/by-hand"
    second = f"{lake.rses['LAKE-2'].davs}/folder/by-hand"

    def repeat(step: str, url: str, other: str = "") -> str:
        command = DRIVER.tools(step, url, other, NOBODY, str(lake.ca))
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    repeat("upload", first, str(tmp_path / "up"))
    assert "<lp1:getcontentlength>7<" in repeat("stat", first)
    assert "Digest: adler32=" in repeat("checksum", first)
    assert "success: Created" in repeat("copy", second, first)
    repeat("download", second, str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == b"by hand"
    for url in (first, second):
        repeat("delete", url)
