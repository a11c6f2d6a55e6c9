"""`run.log`: what happened in a run, line by line, without secrets."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from lakecheck.documents.redact import Redactor
from lakecheck.documents.result import rfc3339

FORM = "%(time)s %(levelname)s %(message)s"
ROOT = logging.getLogger("lakecheck")


class Redacted(logging.Formatter):
    """Time, level and message (with the trace of an error of our own), without secrets."""

    def __init__(
        self, redactor: Redactor, form: str = "%(time)s %(levelname)s %(message)s"
    ) -> None:
        super().__init__(form)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        record.time = rfc3339(record.created)
        return self._redactor.text(super().format(record))


class RunLog(logging.Handler):
    """Appends to a run's log from `open` to `close`; a disk that takes no line ends nothing."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(Redacted(redactor))
        self._path = path
        self._file = -1
        self._level_before = logging.NOTSET

    def open(self) -> None:
        """Begin to take what is logged."""
        if self in ROOT.handlers:
            return
        self._level_before = ROOT.level
        if ROOT.getEffectiveLevel() > logging.INFO:
            ROOT.setLevel(logging.INFO)
        ROOT.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        with contextlib.suppress(OSError):
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.write(self._file, f"{self.format(record)}\n".encode())

    def close(self) -> None:
        """Take no more."""
        if self in ROOT.handlers:
            ROOT.removeHandler(self)
            ROOT.setLevel(self._level_before)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        super().close()
