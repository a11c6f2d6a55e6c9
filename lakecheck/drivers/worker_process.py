"""One worker process, seen from the run's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from lakecheck.drivers.worker_wire import pack, unpack
from lakecheck.errors import TesterFailed

URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s{}\"]+")
log = logging.getLogger("lakecheck.drivers")

KEPT_WORDS = 4096  # bytes of its output that are kept for the message about a crash


class WorkerProcess:
    """A child process that makes one call at a time and can be killed at any moment.

    Must be started from the thread that runs the event loop: the kernel ends the child when
    that thread ends.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._words = b""
        self._reply: asyncio.Future[tuple[Any, ...]] | None = None
        self._killed = False
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._greeted: asyncio.Future[None] = self._loop.create_future()
        self._greeted.add_done_callback(lambda greeted: greeted.exception())
        self._connection, theirs = socket.socketpair()
        self._noise, noise_end = os.pipe()
        try:
            self._process = _spawn(module, environment, theirs.fileno(), noise_end)
        except OSError as error:
            self._connection.close()
            os.close(self._noise)
            raise TesterFailed(f"no worker process could be started: {error}") from error
        finally:
            theirs.close()
            os.close(noise_end)
        self._connection.setblocking(False)
        os.set_blocking(self._noise, False)
        self._pidfd = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._connection, self._on_reply)
        self._loop.add_reader(self._noise, self._on_noise)
        self._loop.add_reader(self._pidfd, self._on_end)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can take a call."""
        return not self._killed and not self.ended.done()

    async def ready(self) -> None:
        """Wait until it has imported what its calls need; TesterFailed where it dies of that."""
        if not self._greeted.done() or self._greeted.exception():
            await asyncio.shield(self._greeted)

    async def call(self, name: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Make a call and give its reply; TesterFailed where the process died of it.

        When the caller is cancelled, the process is killed: nothing else stops a native library.
        """
        if not self.alive:
            raise TesterFailed("the worker process is gone")
        reply: asyncio.Future[tuple[Any, ...]] = self._loop.create_future()
        self._reply = reply
        try:
            # One small frame at a time always fits into the empty buffer of the socket.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.sendall(pack((name, arguments)))
            return await reply
        except asyncio.CancelledError:
            urls = " ".join(_urls(arguments))
            log.info("worker process %d is killed in %s %s", self.pid, name, urls)
            self.kill()
            raise
        finally:
            self._reply = None

    def kill(self) -> None:
        """End the process and what it started, now."""
        self._killed = True
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _on_reply(self) -> None:
        try:
            chunk = self._connection.recv(1 << 18)
        except BlockingIOError:
            return
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self._loop.remove_reader(self._connection)
            return
        self._received += chunk
        whole, message = unpack(self._received)
        if whole and not self._greeted.done():
            self._greeted.set_result(None)
            whole, message = unpack(self._received)
        if whole and self._reply and not self._reply.done():
            self._reply.set_result(message)

    def _on_noise(self) -> None:
        try:
            chunk = os.read(self._noise, 1 << 16)
        except BlockingIOError:
            return
        if not chunk:
            self._loop.remove_reader(self._noise)
            return
        self._words = (self._words + chunk)[-KEPT_WORDS:]

    def _on_end(self) -> None:
        """Collect the dead process; a reply it sent before it died still counts."""
        code = self._process.wait()
        self._on_reply()
        self._on_noise()
        for descriptor in (self._connection, self._noise, self._pidfd):
            self._loop.remove_reader(descriptor)
        self._connection.close()
        os.close(self._noise)
        os.close(self._pidfd)
        if not self._greeted.done():
            self._greeted.set_exception(TesterFailed(self._obituary(code), code=code))
        if self._reply and not self._reply.done():
            self._reply.set_exception(TesterFailed(self._obituary(code), code=code))
        if not self.ended.done():
            self.ended.set_result(None)

    def _obituary(self, code: int) -> str:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        message = f"the worker process died in this call ({how})"
        words = self._words.decode(errors="replace").strip()
        return f"{message}; its last words: {words[-1000:]}" if words else message


def _urls(arguments: tuple[Any, ...]) -> Iterator[str]:
    # Other texts may hold a URL and, beside it, what is nobody's business.
    return (each for each in arguments if isinstance(each, str) and URL.fullmatch(each))


def _spawn(
    module: str, environment: Mapping[str, str], connection: int, noise: int
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "lakecheck.drivers.worker"]
    return subprocess.Popen(
        [*command, module, str(connection), str(os.getpid())],
        env=environment,
        pass_fds=(connection,),
        stdin=subprocess.DEVNULL,
        stdout=noise,
        stderr=noise,
        process_group=0,
    )
