"""lake.json: what runs in a lake, for those who look at it from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psutil
from msgspec import Struct, field

from lakecheck.devlake.layout import STATE
from lakecheck.devlake.shape import Shape
from lakecheck.errors import LakecheckError


class ProcessRecord(Struct, frozen=True):
    """A process by its id and start (seconds since the epoch), so that no other is meant."""

    pid: int
    started: float

    def running(self) -> psutil.Process | None:
        """Find the process, unless it has ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            alive = same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


class ServerRecord(Struct, frozen=True):
    """A server's line in lake.json."""

    name: str
    rse: str
    program: str
    version: str
    address: str
    state: str
    restarts: int
    log: str
    process: ProcessRecord | None = None


class RseRecord(Struct, frozen=True):
    """An RSE's line in lake.json; `data` are the folders of its files."""

    endpoints: dict[str, str]
    data: list[str]
    fault: str = "none"


class LakeRecord(Struct, frozen=True):
    """All of lake.json."""

    supervisor: ProcessRecord
    folder: str
    home: str
    run: str
    shape: Shape
    ports: tuple[int, int]  # first and last
    versions: dict[str, str]
    rses: dict[str, RseRecord]
    servers: list[ServerRecord]
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    service_faults: dict[str, str] = field(default_factory=dict)  # of those that have one


def process_record(pid: int) -> ProcessRecord | None:
    """Describe a running process."""
    try:
        return ProcessRecord(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def read_record(folder: Path) -> LakeRecord | None:
    """Read a lake's record; None where there is no lake."""
    path = folder / STATE
    try:
        return msgspec.json.decode(path.read_bytes(), type=LakeRecord)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError) as wrong:
        raise LakecheckError(f"{path} cannot be read as a lake's record: {wrong}") from None
