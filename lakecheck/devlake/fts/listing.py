"""Lists of jobs, with the filters of FTS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lakecheck.devlake.fts.caller import Caller
from lakecheck.devlake.fts.refusal import Refused
from lakecheck.devlake.fts.states import date
from lakecheck.devlake.fts.store import Row, Store, shown

MOST = 500
_EQUAL = {"user_dn": "user_dn", "vo_name": "vo_name", "dlg_id": "cred_id"}
_ENDS = {"source_se": "source_se", "dest_se": "dest_se"}


def find(store: Store, query: Mapping[str, str], caller: Caller) -> list[Row]:
    """Find jobs; without `limit` or `time_window`, only those that have not ended."""
    limit = _limit(query)
    where, values = _states(query, limit)
    if query.get("dlg_id", caller.delegation_id) != caller.delegation_id:
        raise Refused(403, "The provided delegation id does not match your delegation id")
    for name, column in {**_EQUAL, **_ENDS}.items():
        if query.get(name):
            where.append(f"{column} = ?")
            values.append(query[name])
    order = " ORDER BY submit_time DESC LIMIT ?" if limit else ""
    found = store.rows(
        f"SELECT * FROM jobs WHERE {' AND '.join(where)}{order}", *values, *([limit] * bool(limit))
    )
    jobs = [shown(job) for job in found]
    if fields := query.get("fields"):
        names = fields.split(",")
        return [{name: job[name] for name in names if name in job} for job in jobs]
    return jobs


def _states(query: Mapping[str, str], limit: int | None) -> tuple[list[str], list[Any]]:
    states = [state for state in query.get("state_in", "").split(",") if state]
    if not states:
        return ["job_finished IS NULL"], []
    where = [f"job_state IN ({', '.join('?' for _ in states)})"]
    window = _window(query.get("time_window", ""))
    if limit is not None:
        return where, [*states]
    if window is None:
        return [*where, "job_finished IS NULL"], [*states]
    return [*where, "job_finished >= ?"], [*states, date(time.time() - window)]


def _limit(query: Mapping[str, str]) -> int | None:
    try:
        limit = int(query["limit"])
    except (KeyError, ValueError):
        return None
    if not 0 <= limit <= MOST:
        raise Refused(400, f"The limit must be positive and less or equal than {MOST}")
    return limit


def _window(text: str) -> int | None:
    hours, _, minutes = text.partition(":")
    try:
        return int(hours) * 3600 + int(minutes or 0) * 60
    except ValueError:
        return None
