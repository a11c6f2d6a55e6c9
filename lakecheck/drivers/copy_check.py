"""What is looked at after a third-party copy (light: workers load it)."""

from __future__ import annotations

from collections.abc import Callable

from lakecheck.drivers.worker_wire import Judged


def verify(
    size_of: Callable[[str], int],
    checksum_of: Callable[[str, str], str],
    source: str,
    destination: str,
    algorithm: str | None,
    size: int,
) -> str:
    """Compare both ends, since a copy that reports success may still be truncated.

    Gives what agreed: the checksum, or `size` where none is wanted or an end has none.
    """
    found = size_of(destination)
    if found != size:
        raise _differs(f"the copy has {found} bytes, its source {size}")
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


def _differs(how: str) -> Judged:
    return Judged("checksum", how, side="destination", phase="verify")
