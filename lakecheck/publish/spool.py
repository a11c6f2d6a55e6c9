"""What could not be sent waits in a folder; the next call sends it, and no two do at once."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lakecheck.publish.moments import identity
from lakecheck.publish.target import WrongUse

REFUSED = "refused"
LOCK = ".lock"
SUFFIXES = {"json": (".json", ".ndjson"), "probe": (".probe", ".probes")}  # of one, of many
FORMS = {
    suffix: (form, many) for form, both in SUFFIXES.items() for many, suffix in enumerate(both)
}
ENDS = {"json": re.compile(rb"\n"), "probe": re.compile(rb"(?<=\nEOT\n)")}
_numbers = itertools.count()


class Record:
    """One record as it is sent; `file` is where it waits, if it does."""

    __slots__ = ("body", "file", "format")

    def __init__(self, body: bytes, form: str, file: Waiting | None = None) -> None:
        self.body = body
        self.format = form  # `json` or `probe`
        self.file = file


class Waiting:
    """A file that waits: one record, or all that a call left over; `left` are those not sent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        form, self.many = FORMS[path.suffix]
        bodies = [path.read_bytes()]
        if self.many:
            bodies = [body for body in ENDS[form].split(bodies[0]) if body.strip()]
        self.left = dict.fromkeys(Record(body, form, self) for body in bodies)
        self._written = len(self.left)

    def drop(self, record: Record) -> None:
        """Take a record out; the file goes with its last one; OSError."""
        self.left.pop(record, None)
        if not self.left:
            self.path.unlink(missing_ok=True)

    def settle(self) -> None:
        """Write what is left, where that is not what the file has; OSError."""
        if 0 < len(self.left) < self._written:
            _write(self.path, _joined(list(self.left)))
            self._written = len(self.left)


class Spool:
    """A folder of files, one for what a call left over, named so that they sort by age.

    `place` is what they are for: records for other places may wait in the same folder.
    """

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        self._tag = identity(place)[:8]

    def keep(self, records: Sequence[Record]) -> Path:
        """Write records of one format, all or none; OSError."""
        suffix = SUFFIXES[records[0].format][len(records) > 1]
        return _write(self.folder / self._name(suffix), _joined(records))

    def put_aside(self, record: Record, reason: str) -> Path:
        """Keep a record that was refused for good, beside the reason; OSError."""
        own = record.file and not record.file.many and record.file.path.name
        aside = self.folder / REFUSED / (own or self._name(SUFFIXES[record.format][0]))
        _write(aside.with_name(f"{aside.name}.reason"), f"{reason}\n".encode())
        _write(aside, record.body)
        if record.file:
            record.file.drop(record)
        return aside

    def _name(self, suffix: str) -> str:
        return f"{time.time_ns():020d}-{self._tag}-{os.getpid()}-{next(_numbers)}{suffix}"

    def count(self) -> int:
        """Count the records that wait for this place."""
        return sum(map(_count, self.waiting()))

    def waiting(self) -> list[Path]:
        """Give the files that wait for this place, oldest first."""
        with contextlib.suppress(FileNotFoundError):
            mine = (path for path in self.folder.iterdir() if f"-{self._tag}-" in path.name)
            return sorted(path for path in mine if path.suffix in FORMS)
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


def _count(path: Path) -> int:
    form, many = FORMS[path.suffix]
    try:
        return len(ENDS[form].findall(path.read_bytes())) if many else 1
    except OSError:  # gone, or not ours to read
        return 0


def load(path: Path) -> Waiting | None:
    """Read a file that waits; None where it is gone."""
    try:
        return Waiting(path)
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


def _joined(records: Sequence[Record]) -> bytes:
    """Give records as a file has them: one is as it is sent, others end in a line's end."""
    if len(records) == 1:
        return records[0].body
    return b"".join(record.body.removesuffix(b"\n") + b"\n" for record in records)


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
