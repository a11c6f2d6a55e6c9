"""A storage in operation: its processes and the fault it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lakecheck.devlake import faults
from lakecheck.devlake.construction import SYSTEM_PATH, Construction, install_host
from lakecheck.devlake.front import Front
from lakecheck.devlake.process import START_WITHIN, Process
from lakecheck.devlake.readiness import LOOK_WITHIN, answers, cluster_is_whole
from lakecheck.devlake.server import Server, Storage
from lakecheck.devlake.service import Service
from lakecheck.devlake.shape import FaultChoice
from lakecheck.errors import LakecheckError, UsageError


async def start_in_order(processes: Sequence[Process]) -> None:
    """Start servers, each when the one that it comes after is ready."""
    ready = {process.server.name: asyncio.Event() for process in processes}

    async def start(process: Process) -> None:
        if process.server.after in ready:
            await ready[process.server.after].wait()
        await process.start()
        ready[process.server.name].set()

    async with asyncio.TaskGroup() as group:
        for process in processes:
            group.create_task(start(process))


class RunningService:
    """Starts, stops and starts again the servers of one service."""

    def __init__(self, lake: Construction, service: Service, changed: Callable[[], None]) -> None:
        self.service = service
        self.halted: set[str] = set()
        self.fault = "none"
        self.processes = [Process(s, lake.site.account, changed) for s in service.servers]
        self._rses = {each.name: tuple(each.endpoints.values()) for each in lake.storages}

    def misbehave(self, words: str) -> None:
        """Put the service into the state that a fault asks for; raises UsageError."""
        if self.service.misbehave is None:
            raise UsageError(
                f'the service "{self.service.name}" has no faults; '
                "its servers can be ended and started: Lake.halt, Lake.resume"
            )
        self.service.misbehave(words, self._rses)
        self.fault = words

    async def start(self, only: str = "") -> None:
        """Start the servers, or one of them, until all answer."""
        starting = self._named(only)
        self.halted -= {each.server.name for each in starting}
        await start_in_order(starting)

    async def stop(self, only: str = "") -> None:
        """End the servers, those first that come after others, or one; their data stays."""
        stopping = self._named(only)
        self.halted |= {each.server.name for each in stopping}
        for last in (True, False):
            ending = [each for each in stopping if bool(each.server.after) == last]
            await asyncio.gather(*(process.stop() for process in ending))

    def _named(self, only: str) -> list[Process]:
        return [each for each in self.processes if only in ("", each.server.name)]

    async def look_after(self) -> list[Server]:
        """Find servers that live and should answer but do not."""
        up = [
            each.server
            for each in self.processes
            if each.state == "up" and each.server.name not in self.halted
        ]
        answered = await asyncio.gather(*(answers(server, LOOK_WITHIN) for server in up))
        return [server for server, well in zip(up, answered, strict=True) if not well]


class RunningStorage:
    """Starts, stops and spoils one RSE; orders must come one at a time."""

    def __init__(self, lake: Construction, storage: Storage, changed: Callable[[], None]) -> None:
        self.storage = storage
        self.fault = FaultChoice()
        self.processes = [Process(s, lake.site.account, changed) for s in storage.servers]
        self._lake = lake
        self._front: Front | None = None

    async def start(self, fault: FaultChoice) -> None:
        """Start the servers until all answer, then bring the fault about."""
        await self._start_servers()
        if fault.kind != "none":
            await self.misbehave(fault)

    async def stop(self) -> None:
        """End everything."""
        await self._drop_front()
        await asyncio.gather(*(process.stop() for process in self.processes))

    async def misbehave(self, fault: FaultChoice) -> None:
        """Put the storage into the state that a fault asks for, on the same ports."""
        before, after = faults.effect(self.fault), faults.effect(fault)
        self.fault = fault
        await self._drop_front()
        used = faults.disk_use(self._data) if fault.kind == "full" else 0
        faults.write_control(self._lake.layout.control(self.storage.name), fault, used)
        if before.writable != after.writable:
            faults.set_writable(self.storage.data, after.writable)
        if before.trusted != after.trusted or not after.servers:
            await asyncio.gather(*(process.stop() for process in self.processes))
        if before.trusted != after.trusted:
            keys = self._lake.keys
            identity = keys.host if after.trusted else keys.strange_host
            install_host(self._lake.layout, self._lake.site.account, self.storage.name, identity)
        if after.servers:
            await self._start_servers()
        if after.front:
            self._put_front(after.front)

    async def kill(self, number: int, programs: tuple[str, ...]) -> None:
        """Kill data server `number` (from 0) and leave it dead until a fault is set."""
        node = self.storage.servers[0].name
        if self.storage.data_servers > 1:
            node = f"{self.storage.name}-{number + 1}"
        for process in self.processes:
            server = process.server
            if server.program in programs and server.name in (node, f"{node}-{server.program}"):
                process.kill()
                await process.stop()

    @property
    def _data(self) -> Path:
        return self._lake.layout.data(self.storage.name)

    async def _start_servers(self) -> None:
        await start_in_order(self.processes)
        if self.storage.ready:
            await self._until_whole()

    async def _until_whole(self) -> None:
        deadline = time.monotonic() + START_WITHIN
        layout = self._lake.layout
        environment = {
            "PATH": SYSTEM_PATH,
            "HOME": str(layout.run),
            "X509_CERT_DIR": str(layout.ca),
            "X509_USER_PROXY": str(layout.proxy),
        }
        while not await cluster_is_whole(self.storage, environment):
            if time.monotonic() > deadline:
                raise LakecheckError(
                    f"{self.storage.name}: the manager does not find its data servers; "
                    f"see {self.storage.servers[0].log}"
                )
            await asyncio.sleep(0.05)

    def _put_front(self, kind: str) -> None:
        self._front = Front(kind, *self._lake.layout.host(self.storage.name))
        for server in self.storage.servers:
            for listener in server.listeners:
                self._front.listen(listener)

    async def _drop_front(self) -> None:
        if self._front is not None:
            await self._front.close()
            self._front = None

    async def look_after(self) -> list[Server]:
        """Find servers that live and should answer but do not."""
        if self.fault.kind != "none":
            return []
        up = [p.server for p in self.processes if p.state == "up"]
        answered = await asyncio.gather(*(answers(server, LOOK_WITHIN) for server in up))
        return [server for server, well in zip(up, answered, strict=True) if not well]
