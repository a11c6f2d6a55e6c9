"""Lines that a full disk did not take: in memory first, in TMPDIR when there are many."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import deque
from pathlib import Path

IN_MEMORY = 64 * 2**20  # bytes


class Held:
    """A queue of lines; the part that memory should not hold goes to a file in TMPDIR."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._spill: deque[tuple[int, int]] = deque()  # offset and length in the file
        self.path: Path | None = None

    def __len__(self) -> int:
        return len(self._lines) + len(self._spill)

    def add(self, line: bytes) -> None:
        """Hold one more line, behind all others."""
        if (self._spill or self._bytes + len(line) > IN_MEMORY) and self._spilled(line):
            return
        self._lines.append(line)
        self._bytes += len(line)

    def _spilled(self, line: bytes) -> bool:
        try:
            if self.path is None:
                handle, name = tempfile.mkstemp(prefix="lakecheck-held-", suffix=f"-{self._name}")
                os.close(handle)
                self.path = Path(name)
            with self.path.open("ab") as file:
                offset = file.tell()
                file.write(line)
        except OSError:
            return False  # TMPDIR is full too: memory is all that is left
        self._spill.append((offset, len(line)))
        return True

    def first(self) -> bytes:
        """Oldest line; memory's are older than the file's."""
        if self._lines:
            return self._lines[0]
        assert self.path is not None
        offset, length = self._spill[0]
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def pop(self) -> None:
        """Drop the oldest line."""
        if self._lines:
            self._bytes -= len(self._lines.popleft())
        else:
            self._spill.popleft()

    def save(self) -> Path | None:
        """Put what memory holds into TMPDIR as well; None where that fails too."""
        lines = list(self._lines)
        with contextlib.suppress(OSError):
            handle, name = tempfile.mkstemp(prefix="lakecheck-kept-", suffix=f"-{self._name}")
            with os.fdopen(handle, "wb") as file:
                file.writelines(lines)
                while self._spill:
                    offset, length = self._spill.popleft()
                    assert self.path is not None
                    with self.path.open("rb") as spilled:
                        spilled.seek(offset)
                        file.write(spilled.read(length))
            return Path(name)
        return None

    def remove(self) -> None:
        """Delete the file in TMPDIR."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None
