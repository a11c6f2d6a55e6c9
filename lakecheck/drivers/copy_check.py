"""What is looked at after a third-party copy (light: workers load it)."""

from __future__ import annotations

import time
from collections.abc import Callable

from lakecheck.drivers.worker_wire import Judged

BY_ITSELF = "; the source by itself: "  # joins what a copy said and what its source said
SOON = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # seconds between questions for a name that is missing


def verify(
    size_of: Callable[[str], int | None],
    checksum_of: Callable[[str, str], str],
    source: str,
    destination: str,
    algorithm: str | None,
    size: int,
) -> str:
    """Compare both ends, since a copy that reports success may still be truncated.

    Gives what agreed: the checksum, or `size` where none is wanted or an end has none. `size_of`
    gives None for a file that is not there.
    """
    found = _await(size_of, destination)
    if found is None:
        text = "the copy was reported as done, but the destination says that it is not there"
        raise Judged("missing", text, side="destination", phase="verify")
    if found != size:
        raise _wrong_size(found, size_of(source), size)
    if algorithm is None:
        return "size"
    try:
        there, here = checksum_of(source, algorithm), checksum_of(destination, algorithm)
    except Judged as error:
        if error.error_class != "unsupported":
            raise
        return "size"
    if there != here:
        raise _differs(f"{algorithm} of the source is {there}, of the copy {here}")
    return algorithm


def _await(size_of: Callable[[str], int | None], url: str) -> int | None:
    """Ask again for a while: a redirector remembers for a moment that there was no such file."""
    found = size_of(url)
    for pause in SOON:
        if found is not None:
            break
        time.sleep(pause)
        found = size_of(url)
    return found


def _wrong_size(copied: int, there: int | None, size: int) -> Judged:
    """Blame the source where it is the one that has not what was written to it."""
    if there == size:
        return _differs(f"the copy has {copied} bytes, its source {size}")
    has = "is gone" if there is None else f"has {there} bytes"
    said = f"the source {has}, {size} were written; the copy has {copied}"
    return Judged("checksum", said, side="source", phase="verify")


def _differs(how: str) -> Judged:
    return Judged("checksum", how, side="destination", phase="verify")
