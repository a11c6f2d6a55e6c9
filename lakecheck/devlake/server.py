"""What a server of the lake is, whatever its program: how to start it and what it listens to."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from lakecheck.devlake.account import Account
from lakecheck.devlake.layout import Layout
from lakecheck.devlake.native import Libraries
from lakecheck.devlake.ports import PortBlock

if TYPE_CHECKING:
    from lakecheck.devlake.service import Service

Speaks = Literal["root", "https", "gsiftp", "cms"]


class Listener(Struct, frozen=True):
    """A port and the protocols that are spoken on it."""

    port: int
    speaks: tuple[Speaks, ...]


class Server(Struct, frozen=True):
    """One process to start, with everything it needs written already."""

    name: str
    rse: str  # or "" for a service's
    program: str
    argv: tuple[str, ...]
    listeners: tuple[Listener, ...]
    folder: Path  # working folder
    log: Path
    output: Path  # what it prints beside its log
    env: Mapping[str, str] = field(default_factory=dict)
    socket: str = ""  # Unix socket on which it must listen too
    probe: str = ""  # what tells that it is ready: SCHEME://HOST:PORT, see readiness.py
    start_within: float = 60.0  # seconds
    stop_within: float = 1.0  # seconds between the signal to stop and SIGKILL
    stop_signal: int = signal.SIGTERM
    after: str = ""  # a server that must be ready before this one starts
    own: bool = False  # of this package: it runs as the caller, and not as the servers' account

    @property
    def address(self) -> str:
        """The first listener as `127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.listeners[0].port}" if self.listeners else ""


class Storage(Struct, frozen=True):
    """One RSE of the lake: its servers and how the inventory describes it."""

    name: str
    servers: tuple[Server, ...]
    endpoints: Mapping[str, str]  # by scheme
    data: tuple[Path, ...]  # what is below the endpoints' prefix, one folder a data server
    checksum: str = "auto"
    tpc: tuple[str, ...] = ("pull", "push")
    credential: str = "none"
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    ready: tuple[str, ...] = ()  # command that exits 0 and prints `Server ` often enough
    data_servers: int = 1


class Site(Struct, frozen=True):
    """What every builder of a storage is given."""

    layout: Layout
    account: Account
    ports: PortBlock
    libraries: Libraries
    gsi: bool
    storages: tuple[Storage, ...] = ()  # for services, which are built after them
    services: Mapping[str, Service] = field(default_factory=dict)  # those that one may need

    def environment(self, rse: str) -> dict[str, str]:
        """Give the environment of an RSE's servers: nothing of ours but the path."""
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.layout.run),
            "TMPDIR": str(self.layout.run / "tmp"),
            "LD_PRELOAD": str(self.layout.run / "lib" / self.libraries.fault.name),
            "LAKECHECK_FAULT_CONTROL": str(self.layout.control(rse)),
            "LAKECHECK_FAULT_DATA": str(self.layout.data(rse)),
            # For the copies that a server makes on a client's behalf.
            "X509_CERT_DIR": str(self.layout.ca),
        }

    @property
    def tpc_program(self) -> Path:
        """The program by which an XRootD destination fetches a file."""
        return self.layout.run / "lib" / "tpc-copy"

    def checksum_plugin(self) -> str:
        """Give the plug-in as XRootD's configuration wants it, without the version in its name."""
        name = self.libraries.checksum.name.replace("-5.so", ".so")
        return str(self.layout.run / "lib" / name)
