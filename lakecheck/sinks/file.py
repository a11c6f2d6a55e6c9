"""Documents into one more file, for whatever reads files: Filebeat, Fluent Bit, Vector."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.documents.journal import mend
from lakecheck.model import SinkKind
from lakecheck.sinks.base import Item, Rejection, SinkTrouble


class Options(Struct, frozen=True):
    """Keys of a file sink."""

    path: Annotated[str, Meta(description="The file; documents are appended, one a line.")]


class FileSink:
    """Appends lines; each batch is on the disk when it counts as delivered."""

    parallel = 1
    most_items = 2000
    most_bytes = 4 * 2**20

    def __init__(self, options: Options) -> None:
        self._path = Path(options.path).expanduser()

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Append a batch, whole or not at all."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                mend(self._path)  # the half of a line that a killed process has left
                end = file.seek(0, os.SEEK_END)
                try:
                    file.write(b"".join(item.raw + b"\n" for item in items))
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    os.ftruncate(file.fileno(), end)
                    raise
        except OSError as error:
            raise SinkTrouble(f"{self._path}: {error.strerror}") from error
        return []

    def close(self) -> None:
        """Nothing is held open."""


SINK = SinkKind(
    name="file",
    title="Append documents to a file, one a line.",
    options=Options,
    sink="lakecheck.sinks.file:FileSink",
    target=lambda options: os.path.abspath(os.path.expanduser(options.path)),
)
