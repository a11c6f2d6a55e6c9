"""Which level is broken: a failed link is tried again one level down, until something works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from lakecheck.drivers.fts import Copy, Submission
from lakecheck.drivers.fts_reasons import explain_file, explain_job
from lakecheck.drivers.fts_session import FTS
from lakecheck.errors import DriverError, LakecheckError, Side, TesterFailed, TimedOut
from lakecheck.model import Endpoint
from lakecheck.probes.base import Tools

EACH = 30.0  # seconds a level, beside those that its bytes take
SLOW = 5e6  # bytes a second that any link should reach
FOLDER = "lakecheck"


class Trial(Struct):
    """One level that was tried; `error` is None where it works."""

    level: str
    error: DriverError | None = None

    def __str__(self) -> str:
        """Give `fts failed: …`, or `direct works`."""
        return f"{self.level} failed: {self.error.message}" if self.error else f"{self.level} works"


async def diagnose(tools: Tools) -> dict[str, Any]:
    """Try the case's link below its service; give the fields of the document that say it.

    The level that is broken is the lowest one that fails: what it stands on works.
    """
    case = tools.case
    if not case.ways or case.test.service is None:
        return {}
    start, end = case.ways[0]
    seed, copied = f"{_folder(start)}-seed", f"{_folder(end)}-copy"
    seed, copied = (each.replace("NAME", tools.name_of(case)) for each in (seed, copied))
    trials = [Trial(case.test.service.kind)]
    trials[0].error = DriverError("as the check says")
    limit = EACH + tools.payload.size / SLOW
    planted = await _tried("upload", limit, lambda: _plant(tools, start, seed))
    if planted.error is None:
        below: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        if case.test.beneath is not None:
            below.append(("fts", lambda: _through_fts(tools, end, seed, f"{copied}-fts", limit)))
        below.append(("direct", lambda: _direct(tools, start, end, seed, f"{copied}-direct")))
        for level, attempt in below:
            trials.append(await _tried(level, limit, attempt))
            if isinstance(trials[-1].error, TesterFailed):
                return _unknown(trials)
            if trials[-1].error is None:
                # Who waits in FTS's queue for so long is not broken for that.
                late = trials[-2].level == "fts" and isinstance(trials[-2].error, TimedOut)
                return _unknown(trials) if late and len(trials) > 2 else _fields(trials)
    # Nothing above works: do the storages themselves?
    source, target = await asyncio.gather(
        _tried("source", limit, lambda: _read(tools, start, seed, planted)),
        _tried("destination", limit, lambda: _both(tools, end, f"{copied}-storage")),
    )
    for trial, side in ((source, "source"), (target, "destination")):
        if trial.error is not None:
            return _fields([*trials, source, target], "storage", side)
    return _fields([*trials, source, target])


def _folder(endpoint: Endpoint) -> str:
    return f"{endpoint.url}/{FOLDER}/NAME"


def _unknown(trials: list[Trial]) -> dict[str, Any]:
    """Say what was tried where it does not tell which level is broken."""
    return {"diagnosis.tried": [str(trial) for trial in trials[1:]]}


def _fields(trials: list[Trial], level: str = "", side: str = "") -> dict[str, Any]:
    """Name the lowest level that failed, and its side."""
    broken = [trial for trial in trials if trial.error and trial.level != "source"]
    worst = broken[-1]
    if not level:
        level = worst.level
        service = level in ("fts", "rucio")
        said: Side = worst.error.side if worst.error else "service"
        side = "service" if service else ("transfer" if said == "storage" else said)
    return {
        "diagnosis.level": level,
        "diagnosis.side": side,
        "diagnosis.tried": [str(trial) for trial in trials[1:]],
    }


async def _tried(level: str, limit: float, attempt: Callable[[], Awaitable[None]]) -> Trial:
    try:
        async with asyncio.timeout(limit):
            await attempt()
    except TimeoutError:
        return Trial(level, TimedOut(f"no answer within {limit:.0f}s"))
    except DriverError as error:
        return Trial(level, error)
    except LakecheckError as error:
        return Trial(level, TesterFailed(str(error)))
    return Trial(level)


async def _plant(tools: Tools, end: Endpoint, url: str) -> None:
    tools.creating(url, end)
    await tools.storage_at(end).put(url, tools.payload, fresh=True)


async def _read(tools: Tools, end: Endpoint, url: str, planted: Trial) -> None:
    if planted.error is not None:
        raise planted.error
    await tools.storage_at(end).get(url, tools.payload)


async def _both(tools: Tools, end: Endpoint, url: str) -> None:
    await _plant(tools, end, url)
    await tools.storage_at(end).get(url, tools.payload)


async def _direct(tools: Tools, start: Endpoint, end: Endpoint, seed: str, copied: str) -> None:
    tools.creating(copied, end)
    none = "none" in (start.checksum, end.checksum)
    algorithm = None if none else end.algorithm
    size = tools.payload.size
    await tools.copier_between(start, end).copy(seed, copied, "pull", algorithm, size)


async def _through_fts(tools: Tools, end: Endpoint, seed: str, copied: str, limit: float) -> None:
    fts: FTS = await tools.beneath()
    tools.creating(copied, end)
    key = f"{copied.rpartition('/')[2]}"
    job_id = await fts.submit(Submission(key, (Copy(seed, copied),), longest=round(limit)))
    try:
        job = await fts.ended(job_id)
    except asyncio.CancelledError:
        await fts.cancel([job_id])
        raise
    bad = next((file for file in job.files if file.state != "FINISHED"), None)
    if bad is not None:
        raise explain_file(bad, fts.credential)
    if job.state != "FINISHED":
        raise explain_job(job, fts.choice.url)
