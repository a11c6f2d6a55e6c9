"""Messages from a file, one a line: what other programs append, or some kept to try things on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import SourceKind
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.sources.base import Message

LOOK_EVERY = 0.1  # seconds


class Options(Struct, frozen=True):
    """Keys of a file source."""

    path: Annotated[str, Meta(description="The file; it is followed as it grows.")]


class FileSource:
    """Follows a file; `PATH.offset` says up to where messages are kept."""

    def __init__(self, options: Options) -> None:
        self._path = Path(options.path)
        self._offsets = Path(f"{options.path}.offset")
        self._offset = self._begin()

    def _begin(self) -> int:
        try:
            offset = int(self._offsets.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        except OSError as error:
            raise SinkTrouble(f"{self._offsets}: {error.strerror}", lasting=True) from error
        size = self._path.stat().st_size if self._path.exists() else 0
        return offset if offset <= size else 0  # another file of the same name

    def receive(self, most: int, within: float) -> list[Message]:
        """Give the next whole lines."""
        deadline = time.monotonic() + within
        while not (found := self._lines(most)) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
        return found

    def _lines(self, most: int) -> list[Message]:
        found: list[Message] = []
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n") or len(found) >= most:
                        break
                    self._offset += len(line)
                    if line.strip():
                        found.append(Message(line[:-1], {}, str(self._path)))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SinkTrouble(f"{self._path}: {error.strerror}", lasting=True) from error
        return found

    def acknowledge(self) -> None:
        """Remember how far it was read."""
        fresh = self._offsets.with_name(f".{self._offsets.name}.new")
        try:
            fresh.write_text(f"{self._offset}\n")
            os.replace(fresh, self._offsets)
        except OSError as error:
            raise SinkTrouble(f"{self._offsets}: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""


SOURCE = SourceKind(
    name="file",
    title="Follow a file with one message a line.",
    options=Options,
    source="lakecheck.sinks.sources.file:FileSource",
    target=lambda options: options.path,
)
