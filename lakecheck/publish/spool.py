"""What could not be sent waits in a folder; the next call sends it, and no two do at once."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakecheck.publish.moments import identity
from lakecheck.publish.target import WrongUse

REFUSED = "refused"
LOCK = ".lock"
_numbers = itertools.count()


class Record:
    """One record as it is sent; `path` is where it waits, if it does."""

    __slots__ = ("body", "format", "path")

    def __init__(self, body: bytes, form: str, path: Path | None = None) -> None:
        self.body = body
        self.format = form  # `json` or `probe`, and the end of its file's name
        self.path = path


class Spool:
    """A folder of records, one a file, named so that they sort by age.

    `place` is what they are for: records for other places may wait in the same folder.
    """

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        self._tag = identity(place)[:8]

    def keep(self, record: Record) -> Path:
        """Write a record, whole or not at all; OSError."""
        return _write(self.folder / self._name(record), record.body)

    def put_aside(self, record: Record, reason: str) -> Path:
        """Keep a record that was refused for good, beside the reason; OSError."""
        aside = self.folder / REFUSED / (record.path.name if record.path else self._name(record))
        _write(aside.with_name(f"{aside.name}.reason"), f"{reason}\n".encode())
        _write(aside, record.body)
        if record.path:
            record.path.unlink(missing_ok=True)
        return aside

    def _name(self, record: Record) -> str:
        age = f"{time.time_ns():020d}"
        return f"{age}-{self._tag}-{os.getpid()}-{next(_numbers)}.{record.format}"

    def waiting(self) -> list[Path]:
        """Give the files that wait for this place, oldest first."""
        with contextlib.suppress(FileNotFoundError):
            mine = (path for path in self.folder.iterdir() if f"-{self._tag}-" in path.name)
            return sorted(path for path in mine if path.suffix in (".json", ".probe"))
        return []

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Say whether this process is the one that sends what waits, and keep it so."""
        try:
            handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # no folder, so nothing waits; or nothing that may be removed
            yield False
            return
        try:
            yield _locked(handle)
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: a record that is sent twice is still one document.
        pass
    return True


def load(path: Path) -> Record | None:
    """Read a record that waits; None where it is gone."""
    try:
        return Record(path.read_bytes(), path.suffix[1:], path)
    except FileNotFoundError:
        return None


def default_folder() -> Path:
    """`lakecheck/spool` where the user's programs keep their state; WrongUse without a home."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):  # the XDG specification ignores others
        state = os.path.expanduser("~/.local/state")
    if not os.path.isabs(state):
        raise WrongUse("there is no home folder to keep records in; name one with --spool DIR")
    return Path(state) / "lakecheck" / "spool"


def _write(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:  # an interrupt too leaves no part
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return path
