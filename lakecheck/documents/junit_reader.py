"""JUnit XML → documents: lakecheck's own without loss, other tools' in the same schema.

Files are read as a stream, whatever their size; what refers to anything outside is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from lakecheck.documents import junit_apart, junit_own
from lakecheck.documents.junit_case import Batch
from lakecheck.documents.junit_foreign import Source, documents
from lakecheck.documents.junit_parse import Malformed, parsed
from lakecheck.documents.junit_time import Times
from lakecheck.documents.result import Document
from lakecheck.errors import JournalError

LARGE = 2**23  # bytes, from which a second process takes less time than its start


def read_junit(path: Path, times: Times | None = None) -> Iterator[Document]:
    """Give the documents of a JUnit file, in order; `times` has the time where it tells none.

    JournalError where it is no JUnit, is cut off, or names entities or an unknown encoding; what
    was read until then has been given.
    """
    given, whole = 0, True
    with path.open("rb") as file:
        try:
            for document in junit_own.documents(file):
                yield document
                given += 1
        except junit_own.Foreign:
            whole = False
        if not whole:
            yield from islice(_of_any(file, path, times or Times()), given, None)


def _of_any(file: IO[bytes], path: Path, times: Times) -> Iterator[Document]:
    source = Source(path, times)
    try:
        for batches in _parsed(file):
            for batch in batches:
                yield from documents(batch, source)
    except Malformed as error:
        raise JournalError(f"{path}: {error}") from None


def _parsed(file: IO[bytes]) -> Iterator[list[Batch]]:
    file.seek(0)
    large = os.fstat(file.fileno()).st_size >= LARGE
    if large and len(os.sched_getaffinity(0)) > 1:
        return junit_apart.parsed(file)
    return parsed(file)


def looks_like_xml(path: Path) -> bool:
    """Whether a file begins as XML does, in any encoding."""
    with path.open("rb") as file:
        start = file.read(64)
    return start.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] == b"<"
