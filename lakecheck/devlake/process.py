"""One server as a process: started, watched, started again when it dies, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from typing import Literal

from msgspec.structs import replace

from lakecheck.devlake.account import Account
from lakecheck.devlake.readiness import answers
from lakecheck.devlake.server import Server
from lakecheck.errors import LakecheckError

LOG = logging.getLogger("lakecheck.devlake")
RESTART_AFTER = 0.2  # s
SHORT_LIFE = 1.0  # s
SHORT_LIVES = 100  # in a row, then it is left dead
START_WITHIN = 60.0  # s, for a cluster to find itself on a machine that is busy

State = Literal["starting", "up", "stopped", "dead"]


class Process:
    """A server's process; `changed` is called whenever pid or state change."""

    def __init__(self, server: Server, account: Account, changed: Callable[[], None]) -> None:
        self.server = server
        self.state: State = "stopped"
        self.restarts = 0
        self._account = account
        self._changed = changed
        self._child: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._short_lives = 0

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        child = self._child
        return child.pid if child and child.returncode is None else None

    async def start(self) -> None:
        """Start it unless it runs, wait until it answers on every port, and watch it."""
        if self._watcher is not None and self._watcher.done():
            self._watcher = None
        if self._watcher is None:
            self._short_lives = 0
            await self._spawn()
            self._watcher = asyncio.create_task(self._watch())
        await self._until_ready()

    async def stop(self) -> None:
        """End it, by force if need be."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        await self._end()
        self._set("stopped")

    def kill(self) -> None:
        """Kill it as a crash would; the watcher starts it again."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()

    async def _end(self) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(self.server.stop_signal)
        try:
            await asyncio.wait_for(child.wait(), self.server.stop_within)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _spawn(self) -> None:
        self._set("starting")
        account = replace(self._account, switch=False) if self.server.own else self._account
        with self.server.output.open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                *account.prefix(),
                *self.server.argv,
                env=dict(self.server.env),
                cwd=self.server.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._changed()

    async def _until_ready(self, watching: bool = False) -> None:
        deadline = time.monotonic() + self.server.start_within
        while not (self.pid and await answers(self.server)):
            ended = watching and self.pid is None
            if ended or self.state == "dead" or time.monotonic() > deadline:
                raise LakecheckError(f"{self.server.name} does not start: {self._last_words()}")
            await asyncio.sleep(0.02)
        self._set("up")

    async def _watch(self) -> None:
        while True:
            child, begun = self._child, time.monotonic()
            assert child is not None
            code = await child.wait()
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            LOG.warning("%s (pid %d) ended: %s", self.server.name, child.pid, how)
            short = time.monotonic() - begun < SHORT_LIFE
            self._short_lives = self._short_lives + 1 if short else 0
            if self._short_lives >= SHORT_LIVES or (short and self.restarts == 0 and code > 0):
                self._set("dead")
                return
            self._set("starting")
            await asyncio.sleep(RESTART_AFTER)
            self.restarts += 1
            await self._spawn()
            with contextlib.suppress(LakecheckError):  # it may crash again at once
                await self._until_ready(watching=True)

    def _set(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._changed()

    def _last_words(self) -> str:
        for path in (self.server.log, self.server.output):
            with contextlib.suppress(OSError):
                lines = path.read_text(errors="replace").strip().splitlines()
                if lines:
                    return f"{lines[-1].strip()} (see {path})"
        return f"it says nothing in {self.server.log}"
