"""junit.xml and report.html of a run's folder, made from its journal."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakecheck.documents import junit, junit_parts, read
from lakecheck.engine import folder
from lakecheck.errors import LakecheckError, UsageError
from lakecheck.views import report

log = logging.getLogger("lakecheck")


def write_views(path: Path) -> None:
    """Write junit.xml and report.html of a run's folder from its journal."""
    planned: dict[str, Any] | None = None
    with contextlib.suppress(UsageError):
        planned = folder.read_plan(path)
    for name, write in ((folder.JUNIT, _write_junit), (folder.REPORT, _write_report)):
        try:
            write(path, planned)
        except Exception as error:  # the documents are kept, and that is what counts
            told = error.strerror if isinstance(error, OSError) else error
            ours = None if isinstance(error, OSError | LakecheckError) else error
            log.warning("%s could not be written: %s", path / name, told, exc_info=ours)


def _write_junit(path: Path, _: Mapping[str, Any] | None) -> None:
    if told := junit_parts.told(junit.write(path / folder.JUNIT, read(path))):
        log.info("%s", told)


def _write_report(path: Path, planned: Mapping[str, Any] | None) -> None:
    fresh = path / f".{folder.REPORT}-{secrets.token_hex(4)}"
    try:
        report.write(path, read(path), planned, name=fresh.name)
        fresh.replace(path / folder.REPORT)
    finally:
        fresh.unlink(missing_ok=True)
