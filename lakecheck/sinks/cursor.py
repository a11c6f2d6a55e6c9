"""How far a journal has gone to a sink: one small file each, replaced whole."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lakecheck.documents.result import rfc3339

FOLDER = "shipped"  # beside a journal
log = logging.getLogger("lakecheck.sinks")


class Busy(Exception):
    """Another process ships this journal to this sink."""


class Cursor(Struct):
    """What a sink has of a journal.

    `offset` counts the journal's bytes that are done with; `trouble` says why it has not gone
    further, `failing_since` (RFC 3339) since when.
    """

    sink: str
    target: str
    offset: int = 0
    shipped: int = 0  # documents
    rejected: int = 0  # documents among the dead letters
    dead_end: int = 0  # bytes of the dead letters that belong to what is done with
    trouble: str = ""
    failing_since: str = ""
    updated: str = ""


class CursorFile:
    """A cursor on disk; `hold` makes this process the only one that moves it."""

    def __init__(self, journal: Path, sink: str, target: str) -> None:
        """`journal` is the file; each target has a cursor of its own, wherever specs name it."""
        self.folder = journal.parent / FOLDER
        kind = re.sub(r"-\d+$", "", sink)
        stem = f"{kind}-{blake2b(target.encode(), digest_size=4).hexdigest()}"
        self.path = self.folder / f"{stem}.json"
        self.dead = self.folder / f"{stem}.dead.ndjson"
        self.unwritten = ""  # why the file could not be written
        self._journal, self._sink, self._target = journal, sink, target
        self.now = self._load()

    def _load(self) -> Cursor:
        found = _read(self.path)
        if found.target != self._target:
            return self._fresh()
        found.sink = self._sink
        if self._journal.exists() and found.offset > self._journal.stat().st_size:
            told = "%s is shorter than what %s has of it; all goes there anew"
            log.warning(told, self._journal, self._sink)
            return self._fresh()
        return found

    def _fresh(self) -> Cursor:
        """A cursor at the journal's start; dead letters that are there stay."""
        end = self.dead.stat().st_size if self.dead.exists() else 0
        return Cursor(self._sink, self._target, dead_end=end)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes from moving it meanwhile; raises Busy."""
        handle = -1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / f".{self.path.stem}.lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise Busy from None
        except OSError as error:  # a full disk, or no locks: sending twice does no harm
            log.debug("%s: %s", self.folder, error.strerror)
        try:
            # Another process may have moved it before this one held it.
            self.now = self._load()
            yield
        finally:
            if handle >= 0:
                os.close(handle)

    def advance(self, offset: int, shipped: int, rejected: int) -> None:
        """Note that a sink has answered for all bytes before `offset`."""
        now = self.now
        if rejected:
            now.dead_end = self.dead.stat().st_size
        now.offset = offset
        now.shipped += shipped
        now.rejected += rejected
        now.trouble = now.failing_since = ""
        self._write()

    def fail(self, sentence: str) -> None:
        """Note why the sink does not take more."""
        if self.now.trouble != sentence or not self.now.failing_since:
            self.now.failing_since = self.now.failing_since or rfc3339(time.time())
            self.now.trouble = sentence
            self._write()

    def restart(self) -> None:
        """Begin at the journal's start again; what is refused again, the letters say anew."""
        self.now = Cursor(self.now.sink, self.now.target)
        self._write()

    def bury(self, letters: list[dict[str, Any]]) -> None:
        """Append to the dead letters; raises OSError, and then nothing may be dropped."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.dead.open("ab") as file:
            # After a kill between burying and advancing, the same documents come again.
            if file.tell() > self.now.dead_end:
                os.ftruncate(file.fileno(), self.now.dead_end)
            try:
                file.writelines(msgspec.json.encode(each) + b"\n" for each in letters)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), self.now.dead_end)
                raise

    def disk_full(self) -> str:
        """Say that nothing can be noted here, where that is so."""
        with contextlib.suppress(OSError):
            if shutil.disk_usage(self._journal.parent).free == 0:
                return f"the disk of {self._journal.parent} is full, so why is not known"
        return ""

    def _write(self) -> None:
        self.now.updated = rfc3339(time.time())
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(self.now) + b"\n")
            fresh.replace(self.path)
            self.unwritten = ""
        except OSError as error:
            # What was sent is sent again by the next call, which changes nothing.
            self.unwritten = f"{self.path}: {error.strerror}"
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)


def _read(path: Path) -> Cursor:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Cursor)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s cannot be read (%s); all is shipped anew", path, error)
    return Cursor("", "")
