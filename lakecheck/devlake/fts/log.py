"""The log of one transfer: a file that clients can read over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

PREFIX = "/logs/"


class TransferLog:
    """A file below the service's folder of logs, and its path at the service."""

    def __init__(self, folder: Path, job_id: str, file_id: int, link: str) -> None:
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        places = "__".join(link.split()).replace(":", "_")
        self.name = f"{day}/{places}/{job_id}__{file_id}"
        self._path = folder / self.name
        self._path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def url_path(self) -> str:
        """What follows the service's address in the log's URL."""
        return PREFIX + self.name

    def __call__(self, line: str) -> None:
        """Add a line with its time."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._path.open("a") as file:
            file.write(f"{now} {line}\n")
