"""The journal: a folder with an append-only `results.ndjson` and one writer."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from lakecheck.documents.held import Held

RESULTS = "results.ndjson"
RETRY_EVERY = 0.5  # seconds between attempts to write while the disk is full
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Journal:
    """Appends whole lines; what a full disk does not take is held and written later.

    A line is handed to the operating system before `append` returns, so a killed process
    loses none. `pending` counts the documents that no disk has taken yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._held = Held(path.name)
        self._retry_at = 0.0
        self.kept_at: Path | None = None  # after close: the file in TMPDIR with what was left
        self.trouble = ""  # the operating system's word on why documents are held

    @property
    def pending(self) -> int:
        """Documents that are held in memory or in TMPDIR."""
        return len(self._held)

    def append(self, document: dict[str, Any]) -> None:
        """Write one document as one line."""
        line = _encode(document) + b"\n"
        if self._held:
            self._held.add(line)
            if time.monotonic() >= self._retry_at:
                self.flush()
        elif not self._write(line):
            self._held.add(line)

    def flush(self) -> int:
        """Try to write what is held; give how many documents still are."""
        while self._held and self._write(self._held.first()):
            self._held.pop()
        return len(self._held)

    def close(self) -> int:
        """Write what can be written and close; give how many documents are left over."""
        left = self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if left:
            self.kept_at = self._held.save()
        self._held.remove()
        return left

    def _write(self, line: bytes) -> bool:
        try:
            if self._file < 0:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            written = os.write(self._file, line)
        except OSError as error:
            return self._full(error)
        if written != len(line):
            # A full disk takes the beginning of a line: cut it off, so that lines stay whole.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            return self._full(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        return True

    def _full(self, error: OSError) -> bool:
        self._retry_at = time.monotonic() + RETRY_EVERY
        self.trouble = f"{self.path}: {error.strerror}"
        return False


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Documents of a journal (its folder or file) in order; a torn last line is left out."""
    file = path / RESULTS if path.is_dir() else path
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            yield _decode(line)


def mend(path: Path) -> int:
    """Cut a torn last line off a journal file; give the bytes removed."""
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - 1_000_000)
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"\n") + 1
        if end == len(tail):
            return 0
        file.truncate(start + end)
        return len(tail) - end
