"""Which index a document belongs to, and which indices are older than they may be; all pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta


class Indices:
    """The indices of one sink: `INDEX-2026.11.21`, or `INDEX-2026.11`."""

    def __init__(self, index: str, monthly: bool = False) -> None:
        self.index, self.monthly = index, monthly
        self._form = re.compile(
            rf"{re.escape(index)}-([0-9]{{4}})\.([0-9]{{2}})(?:\.([0-9]{{2}}))?"
        )

    def of(self, timestamp: str) -> str:
        """Give the index for a document's `@timestamp`; ValueError where that is no time."""
        try:
            moment = datetime.fromisoformat(timestamp)
            # Without an offset it is UTC; Python would take the machine's own zone.
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(f'its @timestamp "{timestamp[:40]}" is no time') from None
        day = "" if self.monthly else f".{moment.day:02d}"
        return f"{self.index}-{moment.year:04d}.{moment.month:02d}{day}"

    def expired(self, names: Iterable[str], retention: float, now: float) -> list[str]:
        """Choose the indices whose whole day or month ended more than `retention` seconds ago."""
        oldest = datetime.fromtimestamp(now, UTC) - timedelta(seconds=retention)
        return sorted(name for name in names if (end := self._end(name)) and end < oldest)

    def _end(self, name: str) -> datetime | None:
        match = self._form.fullmatch(name)
        if not match:
            return None
        year, month, day = match.groups()
        try:
            first = datetime(int(year), int(month), int(day or 1), tzinfo=UTC)
            if day:
                return first + timedelta(days=1)
            return (first + timedelta(days=31)).replace(day=1)
        except (ValueError, OverflowError):
            return None
