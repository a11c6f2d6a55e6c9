"""The process that owns a lake's servers: `python -m lakecheck.devlake.supervisor DIR FD`.

FD is a socket to the process that starts the lake. It sends an `Order`, gets one `Answer` when
all is ready or has failed, and confirms. If it goes away before that, the lake ends; afterwards
only where the order says that the lake is bound to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from lakecheck.devlake.construction import Construction, construct
from lakecheck.devlake.inventory_file import write_environment, write_inventory, write_whole
from lakecheck.devlake.layout import STATE, clear
from lakecheck.devlake.orders import Answer, Order, Request
from lakecheck.devlake.process import LOG
from lakecheck.devlake.record import (
    LakeRecord,
    RseRecord,
    ServerRecord,
    process_record,
)
from lakecheck.devlake.running import RunningService, RunningStorage
from lakecheck.devlake.shape import FaultChoice, known_rse
from lakecheck.errors import LakecheckError

LOOK_EVERY = 2.0  # s between two looks of the watchdog
MISSES = 2  # unanswered looks in a row after which a server is started afresh


class Supervisor:
    """Builds a lake, keeps it running, takes orders, and ends it."""

    def __init__(self, lake: Construction, ended: asyncio.Event) -> None:
        self.lake = lake
        self.ended = ended
        self.services = {s.name: RunningService(lake, s, self.note) for s in lake.services}
        self.storages = {s.name: RunningStorage(lake, s, self.note) for s in lake.storages}
        self._one_at_a_time = asyncio.Lock()
        self._noted = False
        self._misses: dict[str, int] = {}

    async def start(self) -> None:
        """Start all RSEs and write what users read."""
        self._write_record()
        self._noted = True
        async with asyncio.TaskGroup() as group:
            for name, storage in self.storages.items():
                fault = self.lake.shape.faults.get(name, FaultChoice())
                group.create_task(storage.start(fault))
            for service in self.services.values():
                group.create_task(service.start())
        path = str(self.lake.layout.control_socket)
        await asyncio.start_unix_server(self._take_order, path)
        os.chmod(path, 0o600)
        write_inventory(self.lake.layout, self.lake.storages, self.lake.services)
        write_environment(self.lake.layout, self.lake.services)
        self._write_record()

    async def stop(self) -> None:
        """End all RSEs and remove what tells of a running lake."""
        self._noted = False
        await asyncio.gather(*(each.stop() for each in self._all()))
        layout = self.lake.layout
        clear(layout.folder, layout.home, layout.run)

    async def look_after(self) -> None:
        """Restart servers that have stopped to answer, for ever; end if the folder vanishes."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if not self.lake.layout.folder.joinpath(STATE).exists():
                LOG.warning("the lake's folder is gone, so the lake ends")
                self.ended.set()
            looks = await asyncio.gather(*(each.look_after() for each in self._all()))
            names = {server.name for silent in looks for server in silent}
            self._misses = {name: self._misses.get(name, 0) + 1 for name in names}
            for each in self._all():
                for process in each.processes:
                    if self._misses.get(process.server.name, 0) >= MISSES:
                        LOG.warning("%s does not answer; restarted", process.server.name)
                        process.kill()

    async def _take_order(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = msgspec.json.decode(await reader.readline(), type=Request)
            async with self._one_at_a_time:
                await self._obey(request)
            answer = Answer()
        except* LakecheckError as wrong:
            answer = Answer(str(first(wrong)))
        except* msgspec.DecodeError as wrong:
            answer = Answer(f"the order was not understood: {first(wrong)}")
        except* OSError as wrong:
            answer = Answer(str(first(wrong)))
        with contextlib.suppress(OSError):
            writer.write(msgspec.json.encode(answer) + b"\n")
            await writer.drain()
            writer.close()

    async def _obey(self, request: Request) -> None:
        if request.do == "stop":
            self.ended.set()
            return
        if request.do in ("halt", "resume"):
            await self._halt_or_resume(request)
            return
        if request.do == "fault" and request.rse in self.services:
            LOG.info("fault %s %s", request.rse, request.words)
            self.services[request.rse].misbehave(request.words)
            self._write_record()
            return
        storage = self.storages[known_rse(request.rse, self.storages)]
        LOG.info("%s %s %s", request.do, request.rse, request.fault)
        if request.do == "kill":
            await storage.kill(request.server, request.programs)
        else:
            await storage.misbehave(request.fault)
        self._write_record()

    async def _halt_or_resume(self, request: Request) -> None:
        name = request.rse
        among = {
            process.server.name: each
            for each in self.services.values()
            for process in each.processes
        }
        service = self.services.get(name) or among.get(name)
        if service is None:
            names = ", ".join(dict.fromkeys((*self.services, *among))) or "none"
            raise LakecheckError(f'this lake has no service "{name}"; it has: {names}')
        LOG.info("%s %s", request.do, name)
        only = "" if name in self.services else name
        await (service.stop(only) if request.do == "halt" else service.start(only))
        self._write_record()

    def _all(self) -> list[RunningStorage | RunningService]:
        return [*self.storages.values(), *self.services.values()]

    def note(self) -> None:
        """Write down that something has changed."""
        if self._noted:
            self._write_record()

    def _write_record(self) -> None:
        layout, ports = self.lake.layout, self.lake.site.ports
        supervisor = process_record(os.getpid())
        assert supervisor is not None
        record = LakeRecord(
            supervisor=supervisor,
            folder=str(layout.folder),
            home=str(layout.home),
            run=str(layout.run),
            shape=self.lake.shape,
            ports=(ports.base, ports.base + ports.count - 1),
            versions=self.lake.versions,
            rses={
                name: RseRecord(
                    dict(running.storage.endpoints),
                    [str(folder) for folder in running.storage.data],
                    str(running.fault),
                )
                for name, running in self.storages.items()
            },
            servers=[record for running in self._all() for record in self._of(running)],
            services={
                name: dict(running.service.settings) for name, running in self.services.items()
            },
            service_faults={
                name: running.fault
                for name, running in self.services.items()
                if running.fault != "none"
            },
        )
        with contextlib.suppress(FileNotFoundError):  # the folder was removed under our feet
            text = msgspec.json.format(msgspec.json.encode(record)).decode()
            write_whole(layout.folder / STATE, text + "\n")

    def _of(self, running: RunningStorage | RunningService) -> list[ServerRecord]:
        versions = self.lake.versions
        return [
            ServerRecord(
                name=process.server.name,
                rse=process.server.rse,
                program=process.server.program,
                version=versions.get(process.server.program, versions["xrootd"]),
                address=process.server.address,
                state=process.state,
                restarts=process.restarts,
                log=str(process.server.log),
                process=process_record(process.pid) if process.pid else None,
            )
            for process in running.processes
        ]


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the first plain error of a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def serve(folder: Path, starter: socket.socket) -> None:
    """Do as the starter orders until the lake shall end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    reader, writer = await asyncio.open_connection(sock=starter)
    order = msgspec.json.decode(await reader.readline(), type=Order)
    lake = await asyncio.to_thread(construct, folder, order.shape)
    supervisor = Supervisor(lake, ended)
    starting = asyncio.create_task(supervisor.start())
    try:
        if not await _comes_first(starting, ended, reader):
            return
        _raise_readable(starting, lake)
        writer.write(msgspec.json.encode(Answer()) + b"\n")
        if not await reader.readline():  # the starter has gone without a word
            return
        watchdog = asyncio.create_task(supervisor.look_after())
        await _comes_first(watchdog, ended, reader if order.bound else None)
        watchdog.cancel()
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await supervisor.stop()
        LOG.info("ended")


def _raise_readable(work: asyncio.Task[None], lake: Construction) -> None:
    """Raise what went wrong in the work, with paths that outlive the lake."""
    try:
        work.result()
    except* LakecheckError as wrong:
        layout = lake.layout
        sentence = str(first(wrong)).replace(str(layout.home), str(layout.folder))
        raise LakecheckError(sentence) from wrong


async def _comes_first(
    work: asyncio.Task[None], ended: asyncio.Event, starter: asyncio.StreamReader | None
) -> bool:
    """Wait for work, an order to end, or the starter's leave; say whether it was the work."""
    others: list[asyncio.Task[Any]] = [asyncio.create_task(ended.wait())]
    if starter is not None:
        others.append(asyncio.create_task(_left(starter)))
    await asyncio.wait({work, *others}, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return work.done()


async def _left(starter: asyncio.StreamReader) -> None:
    while not starter.at_eof():
        # The starter says nothing while it waits, so this ends with its connection.
        await starter.read(1)


def main(folder: Path, starter: socket.socket) -> int:
    """Run until the lake ends; errors go to the starter as sentences and to the log in full."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o022)
    # Crashing servers leave no core files.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    told = starter.dup()
    try:
        asyncio.run(serve(folder, starter))
    except BaseException as wrong:
        cause = first(wrong) if isinstance(wrong, BaseExceptionGroup) else wrong
        sentence = str(cause) if isinstance(cause, LakecheckError) else f"{cause!r}; see the log"
        LOG.exception("the lake could not be started")
        with contextlib.suppress(OSError):
            told.sendall(msgspec.json.encode(Answer(sentence)) + b"\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))))
