"""The states of jobs and files, and how those of its files make a job's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

WAITING = ("STAGING", "SUBMITTED")
RUNNING = ("READY", "ACTIVE")
GOING_ON = (*WAITING, *RUNNING)
JOB_ENDED = ("FINISHED", "FAILED", "FINISHEDDIRTY", "CANCELED")
SOME_FAILED = "One or more files failed. Please have a look at the details for more information"
BY_USER = "Job canceled by the user"
TOO_LONG = "Job has been canceled because it stayed in the queue for too long"


def job_state(kind: str, files: Collection[str], before: str) -> str:
    """Give a job's state for its files' states; `kind` is FTS's job type (N, R, H, Y)."""
    there = set(files)
    if there & set(GOING_ON):
        return _going_on(there, before)
    ended = there - {"NOT_USED"}
    if kind == "R" and "FINISHED" in ended:
        return "FINISHED"
    if "CANCELED" in ended:
        return "CANCELED"
    if kind == "H" and "FAILED" in ended:
        return "FAILED"
    if ended == {"FINISHED"}:
        return "FINISHED"
    return "FAILED" if "FINISHED" not in ended or kind == "R" else "FINISHEDDIRTY"


def _going_on(there: set[str], before: str) -> str:
    if "ACTIVE" in there or before == "ACTIVE":
        return "ACTIVE"
    if "READY" in there:
        return "READY"
    return "STAGING" if "STAGING" in there else "SUBMITTED"


def date(moment: float | None = None) -> str:
    """Write a moment (seconds since 1970; now) as FTS does, in UTC without saying so."""
    when = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S")
