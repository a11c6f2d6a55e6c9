from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lakecheck.devlake import Lake
from tests.devlake.test_lifetime import lakecheck, until


def run(*arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(
        lakecheck("lake", *arguments), capture_output=True, text=True, cwd=cwd, timeout=120
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


DENYING = ("up", "--rses", "1", "--fault", "LAKE-1=deny")


class Begun(NamedTuple):
    """A lake started by `lake up`, and what that said."""

    folder: Path
    code: int
    said: str


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """One RSE of each sort; LAKE-1 denies writes."""
    folder = tmp_path_factory.mktemp("commands")
    try:
        yield Begun(folder, *run(*DENYING, cwd=folder))
    finally:
        run("down", cwd=folder)


def test_up_tells_what_there_is(begun: Begun) -> None:
    assert begun.code == 0, begun.said
    for name in ("LAKE-1", "LAKE-REDIR", "LAKE-GSIFTP", "LAKE-APACHE"):
        assert name in begun.said
    assert len(re.findall(r"(?:root|davs|gsiftp)://127\.0\.0\.1:\d+/\S+", begun.said)) == 6
    assert "Inventory: .lake/inventory.lake.yaml" in begun.said
    assert re.search(r"LAKE-1 .* deny", begun.said)


def test_up_again_finds_the_lake_and_refuses_another(begun: Begun) -> None:
    code, said = run(*DENYING, cwd=begun.folder)
    assert code == 0
    assert said.startswith("The lake in .lake is up already.\n")
    code, said = run(*DENYING, "--json", cwd=begun.folder)
    assert (code, json.loads(said)["rses"]["LAKE-1"]["fault"]) == (0, "deny")
    code, said = run("up", "--rses", "2", cwd=begun.folder)
    assert code == 4
    assert said == (
        "the lake in .lake is up with other options (--rses 1 --fault LAKE-1=deny); "
        "end it first: lakecheck lake down\n"
    )


def test_fault_changes_what_status_tells(begun: Begun) -> None:
    assert run("fault", "LAKE-APACHE", "hang", cwd=begun.folder) == (
        0,
        "LAKE-APACHE has the fault hang now.\n",
    )
    code, said = run("status", "--json", cwd=begun.folder)
    assert run("fault", "LAKE-APACHE", "none", cwd=begun.folder) == (0, "LAKE-APACHE is well.\n")

    assert code == 0
    status = json.loads(said)
    assert status["up"] is True
    assert status["rses"]["LAKE-APACHE"]["fault"] == "hang"
    servers = {server["name"]: server for server in status["servers"]}
    assert (servers["LAKE-APACHE"]["state"], servers["LAKE-APACHE"]["pid"]) == ("stopped", None)
    assert servers["LAKE-1"]["state"] == "up"
    assert servers["LAKE-1"]["memory"] > 2**20


def test_status_is_a_table(begun: Begun) -> None:
    code, said = run("status", cwd=begun.folder)

    assert code == 0
    assert re.search(r"^LAKE-1 +xrootd +up +deny +\d+ +\d+ +\d+ +0$", said, re.MULTILINE)


def test_down_ends_it_once(tmp_path: Path) -> None:
    try:
        assert run("up", "--rses", "1", cwd=tmp_path)[0] == 0
    finally:
        ended = run("down", cwd=tmp_path)

    assert ended == (0, "The lake has ended.\n")
    assert run("down", cwd=tmp_path) == (0, "No lake is up in .lake.\n")
    assert run("status", cwd=tmp_path) == (1, "No lake is up in .lake.\n")
    assert run("status", "--json", cwd=tmp_path) == (1, '{"up": false}\n')


def test_down_tells_of_servers_that_had_crashed(tmp_path: Path) -> None:
    assert run("up", "--rses", "1", cwd=tmp_path)[0] == 0
    try:
        crashing = next(s for s in status_of(tmp_path) if s["name"] == "LAKE-GSIFTP")
        os.kill(crashing["pid"], signal.SIGKILL)
        until(lambda: any(server["restarts"] for server in status_of(tmp_path)))
    finally:
        ended = run("down", cwd=tmp_path)

    assert ended == (
        0,
        "LAKE-GSIFTP (globus-gridftp-server) had ended and was started again, 1 times in all: "
        "see .lake/supervisor.log\nThe lake has ended.\n",
    )
    assert "ended: SIGKILL" in (tmp_path / ".lake" / "supervisor.log").read_text()


def status_of(folder: Path) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = json.loads(run("status", "--json", cwd=folder)[1])["servers"]
    return servers


def test_two_at_once_start_one_lake(tmp_path: Path) -> None:
    command = lakecheck("lake", "up", "--dir", "one", "--rses", "1")
    starting = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    try:
        said = [process.communicate(timeout=120)[0].decode() for process in starting]
        codes = [process.returncode for process in starting]
        assert 0 in codes
        for code, words in zip(codes, said, strict=True):
            # Too late for the lock, or late enough to find a lake and wait for it.
            assert code == 0 or words == "another lake is starting or ending in one\n", words
        assert run("status", "--dir", "one", cwd=tmp_path)[0] == 0
    finally:
        run("down", "--dir", "one", cwd=tmp_path)


def test_ports_can_be_given(tmp_path: Path) -> None:
    with Lake.start(tmp_path / "first", only=["LAKE-1"]) as first:
        base = first.record.ports[0]
        code, said = run("up", "--dir", str(tmp_path / "second"), "--port-base", str(base))
        assert (code, said.split(" from ")[0]) == (4, "another lake has ports")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["up", "--rses", "many"], "'many' is not a valid integer"),
        (["up", "--rses", "-3"], "--rses takes a number from 0 to 100, not -3"),
        (["up", "--fault", "LAKE-1"], '"LAKE-1" is not RSE=KIND; write for example LAKE-2=hang'),
        (["up", "--fault", "LAKE-7=hang"], 'this lake has no RSE "LAKE-7"; it has: LAKE-1, '),
        (["up", "--fault", "LAKE-1=broken"], 'no fault is called "broken"; choose one of: none, '),
        (["up", "--with", "ftp"], '--with knows no "ftp"; it takes: gsi, opensearch, '),
        (["up", "--port-base", "80"], "--port-base takes a port from 1024 to "),
        (["up", "--dir", "file"], "file"),
        (["up", "--dir", "file/below"], "no lake can be kept in file/below: Not a directory"),
        (
            ["up", "--dir", "mine"],
            "no lake can be kept in mine: mine/data is there and no lake made it; ",
        ),
        (["fault", "LAKE-1", "hang"], "no lake is up in .lake; `lakecheck lake up` starts one"),
        (["fault", "LAKE-1"], "Missing argument 'KIND'"),
    ],
)
def test_wrong_use_is_a_sentence_and_exit_code_4(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "mine" / "data").mkdir(parents=True)
    (tmp_path / "mine" / "data" / "precious").write_text("")
    code, said = run(*arguments, cwd=tmp_path)
    assert sentence in said
    assert code == 4
    assert not (tmp_path / ".lake" / "lake.json").exists()
    assert (tmp_path / "mine" / "data" / "precious").exists()
