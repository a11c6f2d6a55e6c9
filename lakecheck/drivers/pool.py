"""Worker processes for native libraries: as many as are needed, each killable at any moment."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lakecheck.drivers.waiting import AtWork, ForOurselves
from lakecheck.drivers.worker_process import WorkerProcess
from lakecheck.drivers.worker_wire import DONE
from lakecheck.errors import TesterFailed

PROCESSES = 64
SILENT = 1.0  # seconds after which a call no longer counts as active
STALE = 60.0  # seconds after which an idle process is ended: its connections may be dead


def active_target() -> int:
    """How many calls at a time keep the processors busy without crowding them."""
    return min(8, max(4, 2 * (os.cpu_count() or 1)))


class Identity(Struct, frozen=True, cache_hash=True):
    """Whom a worker process serves: one credential in one generation, with fixed settings.

    `settings` are environment variables, read once by native libraries; an empty value unsets.
    """

    credential: str
    generation: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Give the environment of a process that serves it."""
        merged = {**base, **dict(self.settings)}
        return {name: value for name, value in merged.items() if value}


class Turn:
    """A place among the active calls, given back once: at the end, or when the call is silent."""

    def __init__(self, gate: Gate) -> None:
        self._gate: Gate | None = gate

    def leave(self) -> None:
        """Give the place back."""
        if self._gate:
            gate, self._gate = self._gate, None
            gate.free()


class Gate:
    """Lets a few calls be active; the others wait in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> Turn:
        """Wait for a place."""
        if self._places > 0:
            self._places -= 1
            return Turn(self)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.free()
            raise
        return Turn(self)

    def free(self) -> None:
        """Hand a place on to who has waited longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._places += 1


class Pool:
    """The worker processes of one session; they are started when a call finds none idle."""

    def __init__(self, module: str, processes: int = PROCESSES, active: int | None = None) -> None:
        self._module = module
        self._processes = processes
        self._gate = Gate(active or active_target())
        self._idle: dict[Identity, list[tuple[float, WorkerProcess]]] = {}
        self._generations: dict[str, list[str]] = {}  # the newest is last
        self._workers: set[WorkerProcess] = set()
        self._freed = asyncio.Event()
        self._closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Numbers of the processes that live now."""
        return tuple(worker.pid for worker in self._workers if worker.alive)

    async def call(self, identity: Identity, name: str, *arguments: Any) -> Any:
        """Make a call in a worker process of this identity and give what it returned.

        Cancelling kills the process. A reply that is no success raises Replied; a process that
        dies raises TesterFailed. No call is made twice.
        """
        turn, worker = await self._begin(identity)
        silence = asyncio.get_running_loop().call_later(SILENT, turn.leave)
        try:
            with AtWork():
                reply = await worker.call(name, arguments)
        finally:
            silence.cancel()
            turn.leave()
            self._give_back(identity, worker)
        if reply[0] != DONE:
            raise Replied(reply)
        return reply[1]

    async def _begin(self, identity: Identity) -> tuple[Turn, WorkerProcess]:
        """Give a place among the active calls and a process that is ready to take one."""
        with ForOurselves():
            turn = await self._gate.enter()
            try:
                worker = await self._take(identity)
                try:
                    await worker.ready()
                except BaseException:
                    self._give_back(identity, worker)
                    raise
            except BaseException:
                turn.leave()
                raise
        return turn, worker

    async def close(self) -> None:
        """End every process and wait until the last is gone."""
        self._closed = True
        self._freed.set()
        workers = list(self._workers)
        for worker in workers:
            worker.kill()
        for worker in workers:
            await worker.ended
        self._idle.clear()

    async def _take(self, identity: Identity) -> WorkerProcess:
        self._renew(identity)
        while True:
            if self._closed:
                raise TesterFailed("the session of this worker process is closed")
            if worker := self._idle_worker(identity):
                return worker
            if len(self.pids) < self._processes or self._evict():
                return self._start(identity)
            self._freed.clear()
            await self._freed.wait()

    def _idle_worker(self, identity: Identity) -> WorkerProcess | None:
        """Give the process that was used last, so that the others may grow stale."""
        idle = self._idle.get(identity, [])
        freshest = asyncio.get_running_loop().time() - STALE
        while idle:
            since, worker = idle.pop()
            if worker.alive and since > freshest:
                return worker
            worker.kill()
        return None

    def _start(self, identity: Identity) -> WorkerProcess:
        worker = WorkerProcess(self._module, identity.environment(os.environ))
        self._workers.add(worker)
        worker.ended.add_done_callback(lambda _: self._forget(worker))
        return worker

    def _give_back(self, identity: Identity, worker: WorkerProcess) -> None:
        if self._generations[identity.credential][-1] != identity.generation:
            worker.kill()
        if worker.alive:
            now = asyncio.get_running_loop().time()
            self._idle.setdefault(identity, []).append((now, worker))
        self._freed.set()

    def _forget(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        self._freed.set()

    def _renew(self, identity: Identity) -> None:
        """End idle processes of a credential's former generation; busy ones end when done."""
        known = self._generations.setdefault(identity.credential, [])
        if identity.generation in known:
            return
        known.append(identity.generation)
        for other in list(self._idle):
            if other.credential == identity.credential:
                for _, worker in self._idle.pop(other):
                    worker.kill()

    def _evict(self) -> bool:
        """Make room by ending one idle process of another identity."""
        for workers in self._idle.values():
            if workers:
                workers.pop(0)[1].kill()
                return True
        return False


class Replied(Exception):
    """A call in a worker process raised; `reply` is what it sent (see worker_wire)."""

    def __init__(self, reply: tuple[Any, ...]) -> None:
        super().__init__(str(reply))
        self.reply = reply
