"""Whether processes live, for tests that kill them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

PATIENCE = 30.0  # s; only bounds a hanging test


def lives(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet collected does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_end(pids: Iterable[int]) -> list[int]:
    """Wait until processes are gone; give those that stay."""
    left = list(pids)
    until = time.monotonic() + PATIENCE
    while left and time.monotonic() < until:
        left = [pid for pid in left if lives(pid)]
        time.sleep(0.01)
    return left


def children() -> set[int]:
    """Numbers of this process's children that live."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return {pid for pid in map(int, file.read().split()) if lives(pid)}
