"""Sends what waits and then what is new, through one broker or server after the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from lakecheck.publish.spool import Record, Spool, Waiting, load
from lakecheck.publish.target import Refused, Target, Trouble, left, reason, scrubbed

WINDOW = 100  # records at once
WINDOW_BYTES = 2**18
LARGE = 2**15  # bytes of a record that goes alone: a broker that refuses it drops all around it


class Way(Protocol):
    """A session with one broker or server."""

    def deliver(self, records: Sequence[Record], deadline: float) -> list[Record]:
        """Give the records that it took; raises Trouble or Refused where it took none."""

    def close(self) -> None:
        """End the session."""


def way_to(target: Target) -> Way:
    """Give the way to a target; HTTP is imported by those who use it."""
    if target.scheme.startswith("stomp"):
        from lakecheck.publish.stomp import Stomp

        return Stomp(target)
    from lakecheck.publish.web import Web

    return Web(target)


class Sending:
    """What is still to be sent, and what went wrong."""

    def __init__(self, targets: Sequence[Target], records: Sequence[Record], spool: Spool) -> None:
        self.new = dict.fromkeys(records)  # in their order
        self.troubles: list[str] = []
        self.behind = ""  # why what waited still does, where what is new went
        self.aside: list[tuple[Path, str]] = []  # refused for good: where it is kept, and why
        self.refused = 0  # of the new ones
        self._targets = list(targets)
        self._spool = spool
        self._where = ""  # the target that is tried

    def run(self, timeout: float) -> None:
        """Try each target in turn, until nothing new is left, for `timeout` seconds in all."""
        deadline = time.monotonic() + timeout
        for number, target in enumerate(self._targets):
            # A target that hangs leaves their share of the time to those after it.
            share = (deadline - time.monotonic()) / (len(self._targets) - number)
            self._through(target, time.monotonic() + share)
            if not self.new:
                return

    def _through(self, target: Target, deadline: float) -> None:
        way = way_to(target)
        self._where, self.behind = target.where, ""
        try:
            self._waiting(way, deadline)
            for records in _windows(list(self.new)):
                self._deliver(way, records, deadline)
        except Trouble as error:
            self._note(str(error))
        except Exception as error:  # our mistake: the records are kept all the same
            self._note(f"lakecheck itself failed ({type(error).__name__}: {error})")
        finally:
            with contextlib.suppress(Exception):
                way.close()

    def _waiting(self, way: Way, deadline: float) -> None:
        """Send what waits, oldest first, for half of the time, unless another process does."""
        with self._spool.alone() as alone:
            half = time.monotonic() + left(deadline) / 2
            files: list[Waiting] = []
            try:
                for records in _windows(_loaded(self._spool.waiting() if alone else [], files)):
                    if time.monotonic() > half:
                        return
                    self._deliver(way, records, deadline)
            except Trouble as error:
                if not error.answered:
                    raise
                self._note(str(error))
                self.behind = self.troubles[-1]  # what is new may fare better
            finally:
                for file in files:
                    with contextlib.suppress(OSError):  # sent again, it is the same document
                        file.settle()

    def _deliver(self, way: Way, records: Sequence[Record], deadline: float) -> None:
        rest = list(records)
        while rest:
            try:
                taken = way.deliver(rest, deadline)
            except Refused as error:
                half = len(rest) // 2
                if half:  # one of them is to blame: find it
                    self._deliver(way, rest[:half], deadline)
                    self._deliver(way, rest[half:], deadline)
                else:
                    self._put_aside(rest[0], str(error))
                return
            for record in taken:
                self._done(record)
                rest.remove(record)

    def _done(self, record: Record) -> None:
        if record.file is None:
            del self.new[record]
            return
        try:
            record.file.drop(record)
        except OSError as error:
            told = f"{record.file.path} was sent and cannot be removed ({reason(error)})"
            raise Trouble(told, answered=True) from error

    def _put_aside(self, record: Record, words: str) -> None:
        words = self._said(words)
        try:
            self.aside.append((self._spool.put_aside(record, words), words))
        except OSError as error:
            raise Trouble(
                f"it refuses a record, which cannot be kept aside ({reason(error)})"
            ) from error
        if record in self.new:
            del self.new[record]
            self.refused += 1

    def _note(self, words: str) -> None:
        told = self._said(words)
        self.troubles = [*(each for each in self.troubles if each != told), told]

    def _said(self, words: str) -> str:
        return scrubbed(f"{self._where}: {words}", self._targets)


def _loaded(paths: Sequence[Path], files: list[Waiting]) -> Iterator[Record]:
    """Read what waits as it is asked for; `files` get what was read."""
    for path in paths:
        if file := load(path):
            files.append(file)
            yield from list(file.left)


def _windows(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Give records in portions that a server takes at once."""
    window: list[Record] = []
    size = 0
    for record in records:
        size += len(record.body)
        alone = len(record.body) > LARGE
        if window and (alone or len(window) == WINDOW or size > WINDOW_BYTES):
            yield window
            window, size = [], len(record.body)
        window.append(record)
        if alone:
            yield window
            window, size = [], 0
    if window:
        yield window
