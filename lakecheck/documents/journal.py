"""The journal: a folder with an append-only `results.ndjson` and one writer."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lakecheck.documents.held import Held
from lakecheck.errors import JournalError, UsageError

RESULTS = "results.ndjson"
SPECS = "specs.json"
RETRY_EVERY = 0.5  # seconds between attempts to write while the disk is full

BLOCK = 2**16  # bytes

log = logging.getLogger("lakecheck.documents")
_encode = msgspec.json.Encoder(enc_hook=str).encode  # a hook may add what JSON does not know
_decode = msgspec.json.Decoder().decode


class Journal:
    """Appends whole lines; what a full disk does not take is held and written later.

    A line is handed to the operating system before `append` returns, so a killed process
    loses none. `pending` counts the documents that no disk has taken yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._end: int | None = None  # where the last whole line ends, while a torn one follows
        self._held = Held(path.name)
        self._retry_at = 0.0
        self.kept_at: Path | None = None  # after close: the file in TMPDIR with what was left
        self.trouble = ""  # the operating system's word on why documents are held

    @property
    def pending(self) -> int:
        """Documents that are held in memory or in TMPDIR."""
        return len(self._held)

    def claim(self) -> None:
        """Become the one writer, until the process ends; UsageError where another one writes."""
        try:
            self._open()
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{self.path.parent}: this run goes on in another process") from None
        except OSError as error:
            # A full disk is told when a document is held; some file systems have no locks.
            log.debug("%s: %s", self.path, error.strerror)

    def append(self, document: dict[str, Any]) -> None:
        """Write one document as one line."""
        line = _line(document)
        if self._held:
            self._held.add(line)
            if time.monotonic() >= self._retry_at:
                self.flush()
        elif not self._write(line):
            log.warning("%s: documents are held until they can be written", self.trouble)
            self._held.add(line)

    def flush(self) -> int:
        """Try to write what is held; give how many documents still are."""
        count = len(self._held)
        while self._held and self._write(self._held.first()):
            self._held.pop()
        if count and not self._held:
            log.warning("%s: there is room again; what was held is written", self.path)
        return len(self._held)

    def close(self, keep: bool = True) -> int:
        """Write what can be written and close; give how many documents are left over.

        They go to TMPDIR where they shall be kept.
        """
        left = self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if left and keep:
            self.kept_at = self._held.save()
        self._held.remove()
        return left

    def _open(self) -> None:
        if self._file < 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _write(self, line: bytes) -> bool:
        try:
            self._open()
            if self._end is not None:
                self._cut()
            written = os.write(self._file, line)
            if written == len(line):
                return True
            # A full disk takes the beginning of a line: cut it off, so that lines stay whole.
            self._end = os.fstat(self._file).st_size - written
            self._cut()
        except OSError as error:
            return self._full(error)
        return self._full(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _cut(self) -> None:
        assert self._end is not None
        os.ftruncate(self._file, self._end)
        self._end = None

    def _full(self, error: OSError) -> bool:
        self._retry_at = time.monotonic() + RETRY_EVERY
        self.trouble = f"{self.path}: {error.strerror}"
        return False


def is_claimed(path: Path) -> bool:
    """Whether a living process is the one writer of a journal's file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _line(document: dict[str, Any]) -> bytes:
    try:
        return _encode(document) + b"\n"
    except UnicodeEncodeError:  # half a character, which a hook has put there
        text = json.dumps(document, default=str, ensure_ascii=False)
        return text.encode("utf-8", "replace") + b"\n"


def read(path: Path, torn: Callable[[str], None] | None = None) -> Iterator[dict[str, Any]]:
    """Documents of a journal (its folder or file) in order; a torn last line is left out.

    Where nobody writes it any more, `torn` is told of such a line, and one that only lacks its end
    counts. JournalError where a line before the last is no document.
    """
    file = path / RESULTS if path.is_dir() else path
    if not file.exists():
        return
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            whole = line.endswith(b"\n")
            if not whole and torn is None:
                return
            try:
                yield _decode(line)
            except msgspec.DecodeError as error:
                if torn and not whole:
                    torn(f"{file}:{number}: the last line is torn, left out")
                    return
                raise JournalError(f"{file}:{number}: this line is no document: {error}") from None


def write_specs(folder: Path, specs: Sequence[str]) -> None:
    """Note the spec files that say where a journal without a plan is published."""
    absolute = [os.path.abspath(path) for path in specs]
    with contextlib.suppress(OSError):  # then they must be named to `ship`
        (folder / SPECS).write_bytes(msgspec.json.encode({"paths": absolute}) + b"\n")


def read_specs(folder: Path) -> tuple[str, ...]:
    """The spec files noted beside a journal; none where there is no note."""
    try:
        noted = msgspec.json.decode((folder / SPECS).read_bytes(), type=dict[str, list[str]])
    except (OSError, msgspec.DecodeError):
        return ()
    return tuple(noted.get("paths", ()))


def torn_for_good(path: Path) -> bool:
    """Whether the last line of a journal file is torn, and nobody writes it who would end it."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    return False


def mend(path: Path) -> int:
    """Cut a torn last line off a journal file; give the bytes removed."""
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - BLOCK)
            file.seek(start)
            whole = file.read(end - start).rfind(b"\n") + 1
            end = start + whole
            if whole:
                break
        file.truncate(end)
        return size - end
