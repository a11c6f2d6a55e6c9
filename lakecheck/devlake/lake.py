"""A lake as its user holds it: started, looked at, spoiled, ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec
from msgspec import Struct

from lakecheck.devlake.layout import INVENTORY, LOG, refuse_strangers_folder
from lakecheck.devlake.orders import Answer, Order, Request
from lakecheck.devlake.record import LakeRecord, RseRecord, ServerRecord, read_record
from lakecheck.devlake.shape import FaultChoice, Shape, known_rse, make_shape
from lakecheck.devlake.teardown import end
from lakecheck.errors import LakecheckError, UsageError

READY_WITHIN = 150.0  # s
FETCHED_WITHIN = 900.0  # s; services are fetched when they are first used
ORDER_WITHIN = 150.0  # s; longer than any server may take to start


class LakeRse(Struct, frozen=True):
    """An RSE of a lake: URLs of its endpoints by scheme, and the folders of its files."""

    name: str
    endpoints: Mapping[str, str]
    data: tuple[Path, ...]

    @property
    def root(self) -> str:
        """`root://127.0.0.1:PORT//data`."""
        return self.endpoints["root"]

    @property
    def davs(self) -> str:
        """`davs://127.0.0.1:PORT/data`."""
        return self.endpoints["davs"]

    @property
    def gsiftp(self) -> str:
        """`gsiftp://127.0.0.1:PORT/FOLDER`."""
        return self.endpoints["gsiftp"]


class Lake:
    """A running lake; leaving the `with` block ends it."""

    def __init__(self, folder: Path, starter: socket.socket | None = None) -> None:
        self.folder = folder.resolve()
        self._starter = starter

    @classmethod
    def start(
        cls,
        folder: Path | str,
        rses: int = 3,
        only: Iterable[str] | None = None,
        faults: Mapping[str, str] | None = None,
        gsi: bool = False,
        *,
        port_base: int | None = None,
        services: Iterable[str] = (),
        bound: bool = True,
    ) -> Lake:
        """Start a lake and return when every server answers.

        `only` names the RSEs to have, all others are left out. A bound lake ends with the
        calling process. Raises LakecheckError.
        """
        shape = make_shape(rses, only, faults, gsi, port_base, services)
        return cls.start_shape(Path(folder), shape, bound=bound)

    @classmethod
    def start_shape(cls, path: Path, shape: Shape, *, bound: bool) -> Lake:
        """Start a lake of a given shape; see `start`."""
        running = find(path)
        if running is not None:
            raise UsageError(f"a lake is up in {path} already; `lakecheck lake down` ends it")
        return cls(path, _launch(path, shape, bound))

    @property
    def record(self) -> LakeRecord:
        """What lake.json says now."""
        record = read_record(self.folder)
        if record is None:
            raise LakecheckError(f"no lake is up in {self.folder}; `lakecheck lake up` starts one")
        return record

    def until_ready(self) -> None:
        """Wait for a lake that somebody else is starting; raises LakecheckError if it ends."""
        deadline = time.monotonic() + READY_WITHIN
        while not os.path.exists(os.path.join(self.record.run, "control.sock")):
            if time.monotonic() > deadline:
                raise LakecheckError(f"the lake in {self.folder} does not get ready")
            time.sleep(0.05)

    @property
    def rses(self) -> dict[str, LakeRse]:
        """The RSEs by name."""
        return {
            name: LakeRse(name, rse.endpoints, tuple(map(Path, rse.data)))
            for name, rse in self.record.rses.items()
        }

    @property
    def inventory(self) -> Path:
        """The inventory file, which specs can include."""
        return self.folder / INVENTORY

    @property
    def ca(self) -> Path:
        """The CA folder; `ca-bundle.pem` in it is all of it in one file."""
        return Path(self.record.home) / "pki" / "certificates"

    @property
    def proxy(self) -> Path:
        """The proxy file of the credential `lake`."""
        return Path(self.record.home) / "pki" / "proxy.pem"

    @property
    def stranger(self) -> Path:
        """A sound proxy of somebody whom no storage of a lake with X.509 knows."""
        return Path(self.record.home) / "pki" / "stranger.pem"

    def data_dir(self, rse: str, server: int = 0) -> Path:
        """Give the folder in which an RSE's data server keeps what is below the prefix."""
        return Path(self._rse(rse).data[server])

    def fault(self, rse: str, kind: str) -> None:
        """Make an RSE misbehave from now on; `none` makes it well, and starts killed servers.

        The transfer service can misbehave too: `fault("fts", "queue=30")`.
        """
        if rse in self.services:
            self._ask(Request("fault", rse, words=kind))
            return
        self._rse(rse)
        self._ask(Request("fault", rse, FaultChoice.parse(kind)))

    def kill(self, rse: str, server: int = 0, programs: Iterable[str] = ("xrootd",)) -> None:
        """Kill a data server (from 0) for good, its manager lives on; `fault(rse, "none")` heals.

        With `programs` `("xrootd", "cmsd")` its cluster daemon dies too.
        """
        known = len(self._rse(rse).data)
        if not 0 <= server < known:
            raise UsageError(f"{rse} has {known} data servers, counted from 0, and no {server}")
        self._ask(Request("kill", rse, server=server, programs=tuple(programs)))

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """What clients of each service need: url, user, password, ca."""
        return self.record.services

    def server(self, name: str) -> ServerRecord:
        """Give what is known of one server now: its process, state, restarts."""
        return next(server for server in self.record.servers if server.name == name)

    def halt(self, service: str) -> None:
        """End a service, or one of its servers by name; data and ports stay for `resume`."""
        self._ask(Request("halt", service))

    def resume(self, service: str) -> None:
        """Start a halted service and return when it answers."""
        self._ask(Request("resume", service))

    def stop(self) -> None:
        """End the lake; nothing happens where it has ended."""
        record = read_record(self.folder)
        end(self.folder)
        if record is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(record.supervisor.pid, 0)
        if self._starter is not None:
            self._starter.close()
            self._starter = None

    def _rse(self, name: str) -> RseRecord:
        rses = self.record.rses
        return rses[known_rse(name, rses)]

    def _ask(self, request: Request) -> None:
        path = os.path.join(self.record.run, "control.sock")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ORDER_WITHIN)
            try:
                connection.connect(path)
                connection.sendall(msgspec.json.encode(request) + b"\n")
                answer = _read_answer(connection)
            except OSError as wrong:
                raise LakecheckError(
                    f"the lake in {self.folder} does not answer ({wrong}); "
                    "end it with `lakecheck lake down` and start it again"
                ) from None
        if answer.error:
            raise LakecheckError(answer.error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def find(folder: Path) -> Lake | None:
    """Find the lake that is up in a folder."""
    record = read_record(folder)
    return Lake(folder) if record and record.supervisor.running() else None


def _launch(folder: Path, shape: Shape, bound: bool) -> socket.socket:
    end(folder)  # what a killed supervisor may have left
    refuse_strangers_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = open(folder / LOG, "ab")  # noqa: SIM115 (closed below)
    except OSError as wrong:
        raise UsageError(f"no lake can be kept in {folder}: {wrong.strerror}") from None
    with log:
        try:
            # The supervisor inherits the lock with the file, and holds it while it lives.
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another lake is starting or ending in {folder}") from None
        child, ours = _spawn(folder, log)
    try:
        ours.sendall(msgspec.json.encode(Order(shape, bound)) + b"\n")
        ours.settimeout(FETCHED_WITHIN if shape.services else READY_WITHIN)
        answer = _read_answer(ours)
        if answer.error:
            raise LakecheckError(answer.error)
        ours.sendall(b"confirmed\n")
    except OSError as wrong:
        ours.close()
        _await_end(child)
        raise LakecheckError(f"the lake did not start ({wrong}); see {folder / LOG}") from None
    except BaseException:
        # Closing is the sign for the supervisor to end all it has started.
        ours.close()
        _await_end(child)
        raise
    child.returncode = 0  # it outlives us, so it shall not be waited for
    return ours


def _spawn(folder: Path, log: BinaryIO) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "lakecheck.devlake.supervisor"]
        child = subprocess.Popen(
            [*command, str(folder.resolve()), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return child, ours


def _await_end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _read_answer(connection: socket.socket) -> Answer:
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("it ended without an answer")
        line += part
    return msgspec.json.decode(line, type=Answer)
