"""Ctrl-C, SIGTERM and SIGHUP end a command in order."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TOGETHER = 0.3  # seconds: `timeout` signals both its child and the group that it is in
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def caught(first: Callable[[], None], second: Callable[[], None]) -> Iterator[list[int]]:
    """Call `first` at the first signal, `second` at each further one; gives those that came."""
    hits: list[int] = []
    begun = 0.0

    def hit(number: int, frame: FrameType | None) -> None:
        nonlocal begun
        now = time.monotonic()
        if hits and number == hits[-1] and now - begun < TOGETHER:
            return
        begun = now
        hits.append(number)
        (second if len(hits) > 1 else first)()

    # Who starts us with `nohup` wants SIGHUP to be ignored.
    numbers = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, hit) for number in numbers}
    try:
        yield hits
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(code: int) -> None:
    """End this process at once, as a kill would: for commands that lose nothing by it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
