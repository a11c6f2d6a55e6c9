"""Removes what crashed runs left behind, once it is older than a day."""

from __future__ import annotations

import asyncio
import calendar
import time
from collections.abc import Iterable, Mapping

from lakecheck.engine.executor import Aim
from lakecheck.engine.folder import RUN_ID
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.tools import folder_url
from lakecheck.errors import LakecheckError
from lakecheck.model import NOBODY, Case, Credential, Endpoint

OLD = 86400.0  # seconds
LIMIT = 5.0  # seconds for all endpoints together
AT_ONCE = 16


def age(name: str, now: float) -> float | None:
    """Seconds since the run that a remote name belongs to; None where it is not ours."""
    match = RUN_ID.match(name)
    if not match:
        return None
    try:
        began = calendar.timegm(time.strptime(match[1], "%Y%m%dT%H%M%S"))
    except ValueError:
        return None
    return now - began


async def sweep(
    sessions: Sessions,
    aims: Iterable[Aim],
    credentials: Mapping[str, Credential],
    run_id: str,
    answered: set[str],
    now: float | None = None,
) -> int:
    """Look at one endpoint of each RSE that answered; give how many files were removed."""
    places: dict[str, tuple[Case, Endpoint]] = {}
    for aim in aims:
        for end in (aim.case.source, aim.case.endpoint):
            if end and end.url in answered:
                places.setdefault(end.rse, (aim.case, end))
    turn = asyncio.Semaphore(AT_ONCE)
    moment = time.time() if now is None else now

    async def one(case: Case, endpoint: Endpoint) -> int:
        async with turn:
            return await _sweep_one(sessions, case, endpoint, credentials, run_id, moment)

    tasks = [asyncio.create_task(one(case, endpoint)) for case, endpoint in places.values()]
    if not tasks:
        return 0
    done, late = await asyncio.wait(tasks, timeout=LIMIT)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return sum(task.result() for task in done)


async def _sweep_one(
    sessions: Sessions,
    case: Case,
    endpoint: Endpoint,
    credentials: Mapping[str, Credential],
    run_id: str,
    now: float,
) -> int:
    credential = credentials.get(case.credential, NOBODY)
    folder, removed = folder_url(endpoint), 0
    try:
        storage = sessions.storage(case.driver, endpoint, credential, case.test.timeout)
        for entry in await storage.list(folder):
            old = age(entry.name, now)
            if old is not None and old > OLD and not entry.name.startswith(run_id):
                await storage.delete(f"{folder}/{entry.name}")
                removed += 1
    except LakecheckError:
        # Housekeeping says nothing about a site; the next run tries again.
        return removed
    return removed
