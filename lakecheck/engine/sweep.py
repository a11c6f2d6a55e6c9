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
from lakecheck.engine.listing import BRIEF, Place, look, places
from lakecheck.engine.tools import folder_url
from lakecheck.engine.workshop import Workshop
from lakecheck.errors import LakecheckError
from lakecheck.model import NOBODY

TIMEOUT = 10.0  # seconds a call
OLD = 86400.0  # seconds
AT_ONCE = 16
A_RUN = 8  # folders that one run looks into
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
    """Look into the folders of endpoints that answered; give how many files were removed."""
    moment = time.time() if now is None else now
    turn = asyncio.Semaphore(AT_ONCE)
    groups = (
        [place for place in group if place.endpoint.url in answered]
        for group in places(aim.case for aim in aims)
    )

    async def one(group: list[Place]) -> list[tuple[str, Place]]:
        async with turn:
            found = await look(group, workshop.sessions, workshop.credentials, TIMEOUT, BRIEF)
        if found.trouble:
            # Housekeeping says nothing about a site; the next run tries again.
            log.info("sweeping %s: %s", found.folder, found.trouble)
        return [(name, found.names[name]) for name in _old(found.names, workshop.run_id, moment)]

    async def remove(name: str, place: Place) -> bool:
        async with turn:
            return await _remove(workshop, name, place)

    remove_old_local(moment)
    turns = _turn([group for group in groups if group], workshop.run_id)
    pages = await asyncio.gather(*(one(group) for group in turns))
    old = [each for page in pages for each in page]
    return sum(await asyncio.gather(*(remove(*each) for each in old)))


def _turn(groups: list[list[Place]], run_id: str) -> list[list[Place]]:
    """Choose the folders that are this run's: in a large lake each run takes another part."""
    if len(groups) <= A_RUN:
        return groups
    start = int(run_id[-8:], 16) % len(groups)
    return [*groups[start:], *groups[:start]][:A_RUN]


def _old(names: Iterable[str], run_id: str, now: float) -> list[str]:
    """Names of other runs' files that are older than a day."""
    return [
        name
        for name in names
        if (old := age(name, now)) is not None and old > OLD and not name.startswith(run_id)
    ]


async def _remove(workshop: Workshop, name: str, place: Place) -> bool:
    url = f"{folder_url(place.endpoint)}/{name}"
    credential = workshop.credentials.get(place.credential, NOBODY)
    try:
        limit = place.timeout or TIMEOUT
        storage = workshop.sessions.storage(place.driver, place.endpoint, credential, limit)
        async with asyncio.timeout(TIMEOUT):
            await storage.delete(url)
    except (TimeoutError, LakecheckError) as error:
        log.info("sweeping %s: %s", url, str(error) or f"no answer within {TIMEOUT:g}s")
        return False
    log.info("swept %s", url)
    return True


def remove_old_local(now: float) -> None:
    """Delete the local files of crashed runs, once they are older than a day."""
    prefix = "lakecheck-"
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*Z-*"):
        old = age(folder.name.removeprefix(prefix), now)
        if old is not None and old > OLD:
            shutil.rmtree(folder, ignore_errors=True)
