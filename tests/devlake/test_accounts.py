from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lakecheck.devlake import Lake
from lakecheck.devlake.account import Account, server_account
from tests.devlake.clients import Clients
from tests.devlake.conftest import processes_of

NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="open-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_everything_lies_in_a_folder_that_servers_can_enter(open_folder: Path) -> None:
    with Lake.start(open_folder / "lake", only=["LAKE-1"]) as lake:
        content = yaml.safe_load(lake.inventory.read_text())
        assert content["inventory"]["ca"] == "pki/certificates"
        assert lake.data_dir("LAKE-1") == open_folder / "lake" / "data" / "LAKE-1" / "data"
        assert Clients(lake, open_folder).upload(f"{lake.rses['LAKE-1'].davs}/x") == 0


def test_a_private_folder_holds_what_users_need_and_later_the_logs(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with Lake.start(tmp_path / "lake", only=["LAKE-1"]) as lake:
        assert Clients(lake, tmp_path).upload(f"{lake.rses['LAKE-1'].davs}/x") == 0
        assert lake.inventory == tmp_path / "lake" / "inventory.lake.yaml"
    assert (tmp_path / "lake" / "log" / "LAKE-1" / "LAKE-1.log").exists()


def test_an_account_enters_what_its_bits_allow(open_folder: Path) -> None:
    stranger = Account(NOBODY, NOBODY, "nobody", switch=True)
    assert stranger.reaches(open_folder)
    open_folder.chmod(0o700)
    assert not stranger.reaches(open_folder)
    assert Account(os.getuid(), os.getgid(), "us", switch=True).reaches(open_folder)


def test_root_hands_the_servers_to_an_unprivileged_account() -> None:
    account = server_account()
    assert account.uid != 0
    assert account.switch == (os.geteuid() == 0)


# What an ordinary user does: a lake, a file on each of its endpoints, a fault.
USE = """\
import os, sys
from pathlib import Path
from lakecheck.devlake import Lake
from tests.devlake.clients import Clients
folder = Path(sys.argv[1])
with Lake.start(folder / "lake") as lake:
    print(lake.record.run)
    clients = Clients(lake, folder)
    for rse in lake.rses.values():
        for url in rse.endpoints.values():
            assert clients.upload(url + "/x") == 0, clients.said
    lake.fault("LAKE-1", "deny")
    assert clients.upload(lake.rses["LAKE-1"].root + "/y") != 0
    for server in lake.record.servers:
        assert server.process.running().uids().real == os.getuid()
"""


def as_ordinary_user(folder: Path) -> list[str]:
    """Python as somebody who is not root, and to whom the folder belongs."""
    if os.geteuid() != 0:
        return [sys.executable]
    os.chown(folder, NOBODY, NOBODY)
    account = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    # Where root runs the tests, the system's own Python is one that others can execute.
    return ["setpriv", *account, "/usr/bin/python3"]


def test_an_ordinary_user_can_have_a_lake(open_folder: Path) -> None:
    done = subprocess.run(
        [*as_ordinary_user(open_folder), "-c", USE, str(open_folder)],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(open_folder),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    run = done.stdout.strip()
    assert processes_of(run) == []
    assert not Path(run).exists()
