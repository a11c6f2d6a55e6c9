"""Journals of what was received: one a day, beside the dead letters of that day."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from lakecheck.documents.journal import RESULTS, Journal, mend, write_specs
from lakecheck.documents.result import Document, rfc3339
from lakecheck.errors import UsageError

DEAD = "dead.ndjson"


class Received:
    """The journal of today; yesterday's is closed when the day (UTC) ends."""

    def __init__(self, reports: Path, name: str = "received", specs: Sequence[str] = ()) -> None:
        """UsageError where another process writes it; `specs` say where it is published."""
        self._specs = specs
        self._reports = reports
        self._name = name
        self._day = ""
        self._journal: Journal | None = None
        self._dead: Journal | None = None
        self.folder = Path()
        self.turn(time.time())

    @property
    def journals(self) -> list[Path]:
        """The files of all days, oldest first."""
        return sorted(self._reports.glob(f"{self._name}-????-??-??/{RESULTS}"))

    def turn(self, now: float) -> None:
        """Begin another journal where another day has begun."""
        day = rfc3339(now)[:10]
        if day == self._day:
            return
        folder = self._reports / f"{self._name}-{day}"
        journal = Journal(folder / RESULTS)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made: {error.strerror}") from None
        try:
            journal.claim()
        except UsageError:
            told = f"another consumer writes to {folder}; give this one a --name of its own"
            raise UsageError(told) from None
        mend(folder / RESULTS)
        mend(folder / DEAD)
        write_specs(folder, self._specs)
        self.close()
        self._day, self.folder = day, folder
        self._journal, self._dead = journal, Journal(folder / DEAD)

    def keep(self, document: Document) -> None:
        """Append a document; a full disk holds it back."""
        assert self._journal is not None
        self._journal.append(document)

    def bury(self, body: bytes, headers: dict[str, str], origin: str, reason: str) -> None:
        """Keep a message that was not understood, whole, with the reason."""
        assert self._dead is not None
        letter: dict[str, Any] = {
            "at": rfc3339(time.time()),
            "reason": reason,
            "origin": origin,
            "headers": headers,
        }
        try:
            letter["body"] = body.decode()
        except UnicodeDecodeError:
            letter["base64"] = base64.b64encode(body).decode()
        self._dead.append(letter)

    def settle(self) -> int:
        """Put all on the disk; give how many lines are still held because it is full."""
        held = 0
        for journal in (self._journal, self._dead):
            if journal is not None:
                held += journal.flush()
        if not held:
            self._sync()
        return held

    @property
    def trouble(self) -> str:
        """The operating system's word on why lines are held."""
        assert self._journal is not None
        assert self._dead is not None
        return self._journal.trouble or self._dead.trouble

    def _sync(self) -> None:
        # Only what survives a power cut may be acknowledged: a broker forgets it then.
        for name in (RESULTS, DEAD):
            path = self.folder / name
            if path.exists():
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def close(self) -> None:
        """Write what can be written, and let others write."""
        for journal in (self._journal, self._dead):
            if journal is not None:
                journal.close(keep=False)


def letters(path: Path) -> list[dict[str, Any]]:
    """Read a day's dead letters."""
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
