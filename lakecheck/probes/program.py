"""A program run to its end or its deadline: nothing of it is left, and memory is not filled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

import psutil

from lakecheck.errors import TesterFailed

ROOM = 64 * 1024  # bytes that are kept of each output; the rest is read and dropped
GRACE = 1.5  # seconds between SIGTERM and SIGKILL
LINGER = 0.5  # seconds that something may hold the output open when the program has ended
MARK = "LAKECHECK_CALL"  # variable by which what a program left is known, wherever it went


class _Output:
    """What comes through a pipe, its beginning kept."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._kept = bytearray()
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(pipe, self._read)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            read = os.read(self._pipe.fileno(), ROOM)
            self._kept += read[: ROOM - len(self._kept)]
            if not read:
                self.close()

    def close(self) -> None:
        """Read no more."""
        if not self.ended.is_set():
            self.ended.set()
            self._loop.remove_reader(self._pipe)
            self._pipe.close()

    @property
    def text(self) -> str:
        """What has come, as text."""
        return self._kept.decode("utf-8", "replace")


class Program:
    """One call of a program, in a session of its own and without a shell."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it; TesterFailed where that is not possible."""
        self._mark = secrets.token_hex(16)
        try:
            self._process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**environment, MARK: self._mark},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            told = f"{arguments[0]} cannot be run: {error.strerror}"
            raise TesterFailed(told, code=error.errno) from None
        self._out, self._err = _Output(self._process.stdout), _Output(self._process.stderr)
        self._exited = asyncio.Event()
        self._pidfd = os.pidfd_open(self._process.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._exited.set)

    @property
    def output(self) -> str:
        """What it printed."""
        return self._out.text

    @property
    def complaints(self) -> str:
        """What it printed to its error output."""
        return self._err.text

    async def wait(self) -> int:
        """Give the code with which it ended, negative for a signal; end it where cancelled."""
        try:
            await self._exited.wait()
            await self._drain()
        finally:
            ending = asyncio.create_task(self._end())
            await asyncio.shield(ending)
        return ending.result()

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._out.ended.wait()
                await self._err.ended.wait()

    async def _end(self) -> int:
        """End it and whatever it started."""
        alone = self._exited.is_set() and self._out.ended.is_set() and self._err.ended.is_set()
        try:
            if not self._exited.is_set():
                self._signal(signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GRACE):
                        await self._exited.wait()
        finally:
            # It is not reaped yet, so that its group's number is still its own.
            self._signal(signal.SIGKILL)
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
        if not alone:
            await asyncio.to_thread(_end_strays, self._mark)
        self._out.close()
        self._err.close()
        return await asyncio.to_thread(self._process.wait)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _end_strays(mark: str) -> None:
    """End what left the program's session, as daemons do; its environment went with it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                process.kill()
