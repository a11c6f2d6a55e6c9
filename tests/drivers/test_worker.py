from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lakecheck.drivers.worker import answer
from lakecheck.drivers.worker_process import WorkerProcess
from lakecheck.drivers.worker_wire import DONE, OURS, RAISED, Judged, pack, unpack
from lakecheck.errors import TesterFailed
from tests.drivers.processes import await_end, lives


def run(fake: str, use: Callable[[WorkerProcess], Awaitable[None]]) -> None:
    async def session() -> None:
        worker = WorkerProcess(fake, os.environ)
        try:
            await use(worker)
        finally:
            worker.kill()
            await worker.ended

    asyncio.run(session())


def test_frames_come_whole_however_they_are_cut() -> None:
    messages = [("stat", ("root://h//x",)), (DONE, [1, None, "é", b"\0"]), (DONE, {"a": 1.5})]
    stream = b"".join(pack(message) for message in messages)
    received, found = bytearray(), []
    for byte in stream:
        received.append(byte)
        whole, message = unpack(received)
        if whole:
            found.append(message)
    assert found == messages
    assert not received


def test_an_exception_becomes_a_reply_with_code_and_host() -> None:
    def judge() -> None:
        raise Judged("checksum", "differs", side="source")

    def read() -> None:
        raise FileNotFoundError(2, "no such file")

    calls = {"read": read, "judge": judge}
    assert answer(calls, "judge", ()) == (OURS, "checksum", "differs", {"side": "source"})
    reply = answer(calls, "read", ())
    assert reply == (RAISED, "FileNotFoundError", 2, "[Errno 2] no such file", None)


def test_calls_and_their_errors_come_back(fake: str) -> None:
    async def use(worker: WorkerProcess) -> None:
        assert await worker.call("echo", (1, "two", None)) == (DONE, (1, "two", None))
        failed = await worker.call("fail", ())
        assert failed == (RAISED, "Failure", 28, "no space left", "server.example:1094")
        assert await worker.call("pid", ()) == (DONE, worker.pid)

    run(fake, use)


def test_a_long_reply_comes_whole(fake: str) -> None:
    async def use(worker: WorkerProcess) -> None:
        _, names = await worker.call("many", (200_000,))
        assert len(names) == 200_000

    run(fake, use)


def test_a_reply_that_cannot_be_sent_is_our_failure(fake: str) -> None:
    async def use(worker: WorkerProcess) -> None:
        assert (await worker.call("odd", ()))[:2] == (OURS, "tester")
        assert await worker.call("echo", ()) == (DONE, ())

    run(fake, use)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_crash_names_the_signal_and_the_last_words(
    fake: str, tmp_path: Path, number: signal.Signals
) -> None:
    async def use(worker: WorkerProcess) -> None:
        with pytest.raises(TesterFailed) as caught:
            await worker.call("crash", (str(tmp_path / "calls"), int(number)))
        assert f"killed by {number.name}" in caught.value.message
        assert "something about memory" in caught.value.message
        assert caught.value.side == "tester"
        assert not worker.alive

    run(fake, use)
    assert not list(tmp_path.glob("core*"))


def test_an_exit_names_its_code(fake: str) -> None:
    async def use(worker: WorkerProcess) -> None:
        with pytest.raises(TesterFailed, match="exit code 7"):
            await worker.call("exit", (7,))
        with pytest.raises(TesterFailed, match="gone"):
            await worker.call("pid", ())

    run(fake, use)


def test_noise_neither_blocks_nor_reaches_the_terminal(
    fake: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def use(worker: WorkerProcess) -> None:
        assert await worker.call("flood", (2000,)) == (DONE, 2000)
        assert await worker.call("echo", (1,)) == (DONE, (1,))

    run(fake, use)
    assert "noise" not in "".join(capfd.readouterr())


def test_a_cancelled_call_kills_the_process_and_its_children(fake: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "child"

    async def use(worker: WorkerProcess) -> None:
        task = asyncio.create_task(worker.call("with_child", (str(pid_file),)))
        while not (pid_file.exists() and pid_file.read_text()):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not worker.alive
        assert await_end([worker.pid, int(pid_file.read_text())]) == []

    run(fake, use)


def test_ctrl_c_is_not_for_the_worker(fake: str) -> None:
    async def use(worker: WorkerProcess) -> None:
        assert await worker.call("ignores", (int(signal.SIGINT),)) == (DONE, True)
        assert os.getpgid(worker.pid) == worker.pid != os.getpgrp()

    run(fake, use)


def test_a_library_that_is_missing_is_named() -> None:
    async def use(worker: WorkerProcess) -> None:
        reply = await worker.call("stat", ("root://h//x",))
        assert reply[:2] == (OURS, "tester")
        assert "no_such_library" in reply[2]

    run("no_such_library.calls", use)


def test_a_worker_ends_when_its_run_closes_the_connection(fake: str) -> None:
    async def use(worker: WorkerProcess) -> None:
        assert (await worker.call("pid", ()))[0] == DONE
        worker._connection.shutdown(2)
        await asyncio.wait_for(asyncio.shield(worker.ended), 30)

    run(fake, use)


def test_a_worker_whose_parent_is_gone_already_ends_at_once() -> None:
    command = [sys.executable, "-P", "-m", "lakecheck.drivers.worker", "x", "0", "1"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, timeout=30).returncode == 0


def test_starting_a_worker_imports_nothing_heavy() -> None:
    code = (
        "import sys, lakecheck.drivers.worker, lakecheck.drivers.payload_file\n"
        "heavy = {'msgspec', 'asyncio', 'aiohttp', 'click', 'rich', 'importlib.metadata',"
        " 'yaml', 'subprocess', 'cryptography'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], stderr=subprocess.PIPE, text=True)
    assert done.stderr == ""
    assert done.returncode == 0


SURVIVORS = """
import asyncio, os
from lakecheck.drivers.pool import Identity, Pool

async def main():
    pool = Pool("tests.drivers.fake_calls", active=4)
    who = Identity("none")
    for _ in range(3):
        asyncio.create_task(pool.call(who, "sleep", 600))
    await asyncio.sleep(0.1)
    await pool.call(who, "pid")
    print(*pool.pids, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_no_worker_survives_a_run_that_is_killed(fake: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SURVIVORS], stdout=subprocess.PIPE) as run:
        assert run.stdout
        pids = [int(word) for word in run.stdout.readline().split()]
        assert len(pids) == 4
        assert all(lives(pid) for pid in pids)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert await_end(pids) == []
