"""What goes to standard error besides the sentences of failed commands."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from lakecheck.documents import Redactor
from lakecheck.documents.runlog import ROOT


@contextmanager
def stderr_log(redactor: Redactor) -> Iterator[None]:
    """Print warnings, such as a full disk's, as plain lines without secrets."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Sentence(redactor))
    ROOT.addHandler(handler)
    try:
        yield
    finally:
        ROOT.removeHandler(handler)


class _Sentence(logging.Formatter):
    """One line a record; the trace of an error of our own is for run.log."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Write the message, and the error that it is about."""
        error = record.exc_info[1] if record.exc_info else None
        about = f": {type(error).__name__}: {error}" if error else ""
        return self._redactor.text(f"lakecheck: {record.getMessage()}{about}")


def own_fault(error: Exception) -> str:
    """Say that lakecheck itself failed; with LAKECHECK_TRACE set, where."""
    told = f"lakecheck itself failed: {type(error).__name__}: {error}"
    if os.environ.get("LAKECHECK_TRACE"):
        told = f"{''.join(traceback.format_exception(error))}{told}"
    else:
        told += "\nPlease report this; LAKECHECK_TRACE=1 before the command shows where it was."
    return Redactor().text(told)
