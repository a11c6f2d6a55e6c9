"""Times as documents have them, and digests that make documents one and the same."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

NAMED = (" UTC", " GMT")  # the names of offsets that mean one thing everywhere
MILLISECONDS = 10**11  # a count above it is of milliseconds: seconds would be in the year 5138


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds, such as `2026-11-21T09:00:00.000Z`."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:23]}Z"


def told(time: object) -> str:
    """Read a time: ISO 8601 (without an offset it is UTC), or a count since 1970; ValueError."""
    try:
        if isinstance(time, str) and not time.strip().isdecimal():
            return _of_text(time.strip())
        if isinstance(time, int | float | str) and not isinstance(time, bool):
            return _of_count(float(time))
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(f"{str(time)[:60]!r} is no time that has one meaning everywhere")


def _of_text(text: str) -> str:
    for name in NAMED:
        text = text.removesuffix(name)
    found = datetime.fromisoformat(text)
    return rfc3339(found if found.tzinfo else found.replace(tzinfo=UTC))


def _of_count(count: float) -> str:
    if count <= 0:  # what programs write that do not know
        raise ValueError
    thousandths = round(count if count > MILLISECONDS else count * 1000)
    moment = datetime.fromtimestamp(thousandths // 1000, UTC)
    return rfc3339(moment.replace(microsecond=thousandths % 1000 * 1000))


def identity(*parts: str) -> str:
    """Hex digest of what makes a document one and the same, as results have it."""
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=16).hexdigest()
