"""Ports below the ephemeral range, chosen so that several lakes never take the same ones."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

from lakecheck.errors import LakecheckError, UsageError

FIRST = 10240
BEYOND = 32768  # where the kernel's own choice of ports begins
GRANULE = 32


class PortBlock:
    """A run of ports that belongs to this process until it ends or calls `release`.

    A lock is an abstract Unix socket per 32 ports: the kernel frees it with its owner, and its
    name is good in one network namespace, exactly as a port is.
    """

    def __init__(self, base: int, count: int, locks: list[socket.socket]) -> None:
        self.base, self.count = base, count
        self._unused: Iterator[int] = iter(range(base, base + count))
        self._locks = locks

    def take(self) -> int:
        """Give the next port of the block."""
        return next(self._unused)

    def take_range(self, count: int) -> tuple[int, int]:
        """Give the first and last of `count` ports in a row."""
        ports = [self.take() for _ in range(count)]
        return ports[0], ports[-1]

    def release(self) -> None:
        """Let others have the ports."""
        for lock in self._locks:
            lock.close()


def reserve(count: int, base: int | None = None) -> PortBlock:
    """Find a block of free ports, or take the one that begins at `base`."""
    if base is not None:
        return _reserve_at(base, count)
    bases = list(range(FIRST, BEYOND - count, GRANULE))
    random.SystemRandom().shuffle(bases)
    for start in bases:
        locks = _lock(start, count)
        if locks is None:
            continue
        if first_busy(start, count) is None:
            return PortBlock(start, count, locks)
        _close(locks)
    raise LakecheckError(f"no {count} free ports in a row between {FIRST} and {BEYOND}")


def _reserve_at(base: int, count: int) -> PortBlock:
    if not 1024 <= base <= 65536 - count:
        raise UsageError(
            f"--port-base takes a port from 1024 to {65536 - count}, not {base}: "
            f"this lake needs {count} ports in a row"
        )
    locks = _lock(base, count)
    if locks is None:
        raise UsageError(f"another lake has ports from {base} to {base + count - 1}")
    busy = first_busy(base, count)
    if busy is not None:
        _close(locks)
        raise UsageError(
            f"port {busy} is in use and this lake needs {base} to {base + count - 1}; "
            "choose another --port-base, or leave it out"
        )
    return PortBlock(base, count, locks)


def _lock(base: int, count: int) -> list[socket.socket] | None:
    locks: list[socket.socket] = []
    for granule in range(base // GRANULE, (base + count - 1) // GRANULE + 1):
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        locks.append(lock)
        try:
            lock.bind(f"\0lakecheck-ports-{granule}")
        except OSError:
            _close(locks)
            return None
    return locks


def _close(locks: list[socket.socket]) -> None:
    for lock in locks:
        lock.close()


def first_busy(base: int, count: int) -> int | None:
    """Give the first port of the block that something uses, on any address; None: all free."""
    for port in range(base, base + count):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # Servers bind with SO_REUSEADDR, so a port in TIME_WAIT is free for them.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return port
    return None
