"""Compares what a storage sends with a local file, a piece at a time (light: workers load it)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from lakecheck.drivers.worker_wire import Judged


def compare(read: Callable[[], bytes], path: str | None, into: str | None) -> int:
    """Read until nothing comes; give the bytes read.

    Raises Judged, class checksum, where they differ from the file at `path`. With `into`, they
    are left there. No more than one piece is held in memory.
    """
    count = 0
    with ExitStack() as files:
        expected = files.enter_context(open(path, "rb")) if path else None
        kept = files.enter_context(open(into, "wb")) if into else None
        while piece := read():
            if expected and expected.read(len(piece)) != piece:
                raise _differs(f"content differs within bytes {count} to {count + len(piece)}")
            if kept:
                kept.write(piece)
            count += len(piece)
        if expected and expected.read(1):
            raise _differs(f"it ends after {count} bytes, too early")
    return count


def _differs(how: str) -> Judged:
    return Judged("checksum", f"the download is not what was uploaded: {how}", phase="verify")
