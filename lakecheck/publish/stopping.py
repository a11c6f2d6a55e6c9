"""Signals that end a call: the first is an interrupt, and the record is kept in peace after it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Handles signals: raises KeyboardInterrupt once, and not at all where it is `deaf`."""

    def __init__(self) -> None:
        self.deaf = False

    def __call__(self, number: int, frame: object) -> None:
        """Take a signal."""
        if not self.deaf:
            self.deaf = True
            raise KeyboardInterrupt


@contextmanager
def stopping() -> Iterator[Stop]:
    """Interrupt what is within at a signal, unless it is ignored, as under nohup."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may have handlers
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}
    former = {number: each for number, each in former.items() if each not in (signal.SIG_IGN, None)}
    try:
        for number in former:
            signal.signal(number, stop)
        yield stop
    finally:
        for number, each in former.items():
            signal.signal(number, each)
