"""What FTS answers about jobs and files, as our own nouns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lakecheck.drivers.fts import FileReport, JobReport

LOGS = "https://{}:8449"  # where the host that copied shows its logs, by FTS's own configuration


def job_report(told: Mapping[str, Any], logs: str = "") -> JobReport:
    """Make the report of a job; `logs` is the URL below which logs are, if not at their hosts."""
    status = str(told.get("http_status") or "")
    if status.startswith("404"):
        return JobReport(str(told.get("job_id") or ""), "", lost=True)
    return JobReport(
        id=str(told.get("job_id") or ""),
        state=str(told.get("job_state") or ""),
        reason=str(told.get("reason") or ""),
        submitted=moment(told.get("submit_time")),
        finished=moment(told.get("job_finished")),
        files=tuple(_file(each, logs) for each in told.get("files") or ()),
    )


def _file(told: Mapping[str, Any], logs: str) -> FileReport:
    took, size = told.get("tx_duration"), told.get("filesize")
    began, staged = moment(told.get("staging_start")), moment(told.get("staging_finished"))
    path, host = str(told.get("log_file") or ""), str(told.get("transfer_host") or "")
    base = logs.rstrip("/") or (LOGS.format(host) if host else "")
    return FileReport(
        state=str(told.get("file_state") or ""),
        source=str(told.get("source_surl") or ""),
        destination=str(told.get("dest_surl") or ""),
        reason=str(told.get("reason") or ""),
        size=int(size) if isinstance(size, int | float) else 0,
        started=moment(told.get("start_time")),
        finished=moment(told.get("finish_time")),
        took=float(took) if isinstance(took, int | float) else None,
        log=path if "://" in path else (f"{base}{path}" if path and base else ""),
        staged=staged - began if staged and began else None,
    )


def moment(told: Any) -> float | None:
    """Give FTS's time, which is UTC without saying so, as seconds since 1970."""
    try:
        return datetime.fromisoformat(str(told)).replace(tzinfo=UTC).timestamp() if told else None
    except ValueError:
        return None
