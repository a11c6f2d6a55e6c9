"""The time of files that tell none: one that was named, or else the file's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from lakecheck.documents.result import rfc3339

_DAY = r"\d{4}-\d\d-\d\d"
_OFFSET = r"(?:[Zz]|[+-]\d\d:\d\d)"
_TIME = re.compile(rf"{_DAY}(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?{_OFFSET})?")


def time_of(text: str) -> str:
    """Read a time of RFC 3339, or a day, which is its beginning in UTC; ValueError otherwise."""
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        found = datetime.fromisoformat(text)
        return rfc3339((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        told = f'"{text}" is no time; write it as 2026-11-21T09:00:00Z, or the day as 2026-11-21'
        raise ValueError(told) from None


class Times:
    """Gives each file that tells no time one; where that is the file's own, says so."""

    def __init__(self, at: str = "", tell: Callable[[str], None] | None = None) -> None:
        self.at = at
        self._tell = tell

    def of(self, path: Path) -> str:
        """The time of a file that tells none."""
        if self.at:
            return self.at
        modified = rfc3339(path.stat().st_mtime)
        if self._tell:
            self._tell(
                f"{path} tells no time, so its documents are of the file's, {modified[:19]}Z; "
                "--at says another"
            )
        return modified
