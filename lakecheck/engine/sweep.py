"""Removes what crashed runs left behind, once it is older than a day."""

from __future__ import annotations

import asyncio
import calendar
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from lakecheck.engine.aims import Aim
from lakecheck.engine.folder import RUN_ID
from lakecheck.engine.tools import folder_url
from lakecheck.engine.workshop import Workshop
from lakecheck.errors import LakecheckError
from lakecheck.model import Case, Endpoint

OLD = 86400.0  # seconds
AT_ONCE = 16
log = logging.getLogger("lakecheck.engine")


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
    aims: Iterable[Aim], workshop: Workshop, answered: set[str], now: float | None = None
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
            return await _sweep_one(workshop, case, endpoint, moment)

    remove_old_local(moment)
    return sum(await asyncio.gather(*(one(case, end) for case, end in places.values())))


async def _sweep_one(workshop: Workshop, case: Case, endpoint: Endpoint, now: float) -> int:
    folder, removed = folder_url(endpoint), 0
    try:
        storage = workshop.sessions.storage(
            case.driver, endpoint, workshop.credential(case), case.test.timeout
        )
        for entry in await storage.list(folder):
            old = age(entry.name, now)
            if old is not None and old > OLD and not entry.name.startswith(workshop.run_id):
                await storage.delete(f"{folder}/{entry.name}")
                removed += 1
                log.info("swept %s/%s, %.1f days old", folder, entry.name, old / OLD)
    except LakecheckError as error:
        # Housekeeping says nothing about a site; the next run tries again.
        log.info("sweeping %s: %s", folder, error)
    return removed


def remove_old_local(now: float) -> None:
    """Delete the local files of crashed runs, once they are older than a day."""
    prefix = "lakecheck-"
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*Z-*"):
        old = age(folder.name.removeprefix(prefix), now)
        if old is not None and old > OLD:
            shutil.rmtree(folder, ignore_errors=True)
