"""How far a journal has gone to a sink: one small file each, replaced whole."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    trouble: str = ""
    failing_since: str = ""
    updated: str = ""


class CursorFile:
    """A cursor on disk; `hold` makes this process the only one that moves it."""

    def __init__(self, journal: Path, sink: str, target: str) -> None:
        """`journal` is the file; a cursor of another target is begun anew."""
        self.folder = journal.parent / FOLDER
        self.path = self.folder / f"{sink}.json"
        self.dead = self.folder / f"{sink}.dead.ndjson"
        self.unwritten = ""  # why the file could not be written
        self._journal, self._sink, self._target = journal, sink, target
        self.now = self._load()

    def _load(self) -> Cursor:
        found, fresh = _read(self.path), Cursor(self._sink, self._target)
        if found.target != self._target or found.sink != self._sink:
            return fresh
        if self._journal.exists() and found.offset > self._journal.stat().st_size:
            told = "%s is shorter than what %s has of it; all goes there anew"
            log.warning(told, self._journal, self._sink)
            return fresh
        return found

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
        """Begin at the journal's start again."""
        self.now = Cursor(self.now.sink, self.now.target)
        self._write()

    def bury(self, letters: list[dict[str, Any]]) -> None:
        """Append to the dead letters; raises OSError, and then nothing may be dropped."""
        self.folder.mkdir(parents=True, exist_ok=True)
        known = self._buried()
        lines = [msgspec.json.encode(each) + b"\n" for each in letters if each["line"] not in known]
        with self.dead.open("ab") as file:
            end = file.tell()
            try:
                file.writelines(lines)
                file.flush()
            except OSError:
                os.ftruncate(file.fileno(), end)
                raise

    def _buried(self) -> set[str]:
        # After a kill between burying and advancing, the same document comes again.
        found: set[str] = set()
        with contextlib.suppress(FileNotFoundError), self.dead.open("rb") as file:
            for line in file:
                with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError):
                    found.add(msgspec.json.decode(line)["line"])
        return found

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
