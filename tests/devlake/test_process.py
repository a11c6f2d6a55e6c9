from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from lakecheck.devlake.account import Account
from lakecheck.devlake.process import Process
from lakecheck.devlake.server import Listener, Server
from lakecheck.errors import LakecheckError

OURSELVES = Account(0, 0, "us", switch=False)
FTP = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()[0].sendall(b"220 ready\\r\\n")
"""


def server(folder: Path, *argv: str, port: int = 1) -> Server:
    return Server(
        name="one",
        rse="LAKE-1",
        program=argv[0],
        argv=argv,
        listeners=(Listener(port, ("gsiftp",)),),
        folder=folder,
        log=folder / "one.log",
        output=folder / "one.out",
        env={"PATH": "/usr/bin:/bin"},
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    process = Process(
        server(tmp_path, "sh", "-c", "echo the disk is on fire >&2; exit 3"),
        OURSELVES,
        lambda: None,
    )
    with pytest.raises(LakecheckError) as caught:
        asyncio.run(process.start())
    assert str(caught.value) == (
        f"one does not start: the disk is on fire (see {tmp_path / 'one.out'})"
    )


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    process = Process(server(tmp_path, "no-such-server"), OURSELVES, lambda: None)
    with pytest.raises(LakecheckError, match=r"one does not start: .*no-such-server"):
        asyncio.run(process.start())


def test_start_waits_for_an_answer_and_stop_for_the_end(tmp_path: Path) -> None:
    states: list[str] = []

    async def live() -> None:
        wanted = server(tmp_path, "python3", "-c", FTP, str(port := free_port()), port=port)
        process = Process(wanted, OURSELVES, lambda: states.append(process.state))
        await process.start()
        assert process.pid is not None
        first = process.pid
        await process.start()
        assert process.pid == first
        process.kill()
        while process.restarts == 0 or process.state != "up":
            await asyncio.sleep(0.02)
        assert process.pid not in (None, first)
        await process.stop()
        assert process.pid is None

    asyncio.run(live())
    assert states[0] == "starting"
    assert states[-1] == "stopped"
    assert "up" in states
