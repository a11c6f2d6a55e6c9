"""A JUnit file in parts, as GitLab takes none above 30 MB: `NAME.xml`, `NAME-2.xml`, …."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

GITLAB = 28_000_000  # bytes of a part, with some room
_XML = "<?xml version='1.0' encoding='utf-8'?>"
_FURTHER = re.compile(re.escape(_XML.encode()) + rb"<!-- part \d+ -->\n")


class Parts:
    """Files beside their places, until all of them are whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fresh: list[Path] = []

    def following(self) -> tuple[Path, str]:
        """Where to write the next one, and its first line."""
        self._fresh.append(self._path.with_name(f".{self._path.name}-{secrets.token_hex(4)}"))
        number = len(self._fresh)
        mark = f"<!-- part {number} -->" if number > 1 else ""
        return self._fresh[-1], f"{_XML}{mark}\n"

    def keep(self) -> list[Path]:
        """Put them in their places, and remove further parts that an earlier writing left."""
        old = further(self._path)
        kept = [_part(self._path, number) for number in range(1, len(self._fresh) + 1)]
        for fresh, part in zip(self._fresh, kept, strict=True):
            fresh.replace(part)
        for left in set(old).difference(kept):
            left.unlink(missing_ok=True)
        return kept

    def discard(self) -> None:
        """Remove what is not in its place."""
        for fresh in self._fresh:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)


def further(path: Path) -> list[Path]:
    """Give the second, third, … part of a JUnit file, as they were left."""
    found: list[Path] = []
    while _is_further(part := _part(path, len(found) + 2)):
        found.append(part)
    return found


def told(parts: Sequence[Path]) -> str:
    """Say why one JUnit file has become several; "" where it has not."""
    names = ", ".join(map(str, parts))
    several = f"JUnit in {len(parts)} files, as GitLab takes none above 30 MB: {names}"
    return several if len(parts) > 1 else ""


def _is_further(path: Path) -> bool:
    # Not by its name alone: it may be somebody else's.
    try:
        with path.open("rb") as file:
            return bool(_FURTHER.match(file.read(128)))
    except OSError:
        return False


def _part(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
