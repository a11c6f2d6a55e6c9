"""How an RSE is made to misbehave: what each fault does to its servers."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from msgspec import Struct

from lakecheck.devlake.shape import FaultChoice

# The numbers of native/lakefault.c.
_IN_DATA = {"hang-data": 1, "corrupt": 2, "crash": 3, "full": 4}
_CONTROL = struct.Struct("=iiq")


class Effect(Struct, frozen=True):
    """The state in which a fault puts an RSE."""

    servers: bool = True  # they run
    front: str = ""  # who listens instead: `hang` or `hang-tls`
    trusted: bool = True  # they show a certificate of the lake's CA
    writable: bool = True  # the files' folder


EFFECTS = {
    "refuse": Effect(servers=False),
    "hang": Effect(servers=False, front="hang"),
    "hang-tls": Effect(servers=False, front="hang-tls"),
    "untrusted": Effect(trusted=False),
    "deny": Effect(writable=False),
}


def effect(fault: FaultChoice) -> Effect:
    """Give what a fault asks for."""
    return EFFECTS.get(fault.kind, Effect())


def write_control(path: Path, fault: FaultChoice, used: int = 0) -> None:
    """Tell the servers that have this control file open what to do with data.

    They see it at once: the file is mapped into their memory, so it is changed in place.
    """
    fresh = not path.exists()
    record = _CONTROL.pack(_IN_DATA.get(fault.kind, 0), 0, used + fault.capacity)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644), "wb", buffering=0) as file:
        file.write(record)
    if fresh:
        path.chmod(0o644)


def disk_use(folder: Path) -> int:
    """Bytes that the files below a folder take on disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def set_writable(folders: tuple[Path, ...], writable: bool) -> None:
    """Let the owner of the folders create and change files there, or not."""
    for top in folders:
        for path in (top, *top.rglob("*")):
            if path.is_symlink():
                continue
            mode = path.stat().st_mode & 0o7777
            path.chmod(mode | 0o200 if writable else mode & ~0o222)
