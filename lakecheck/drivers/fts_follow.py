"""Follows many jobs with few requests: all that are due are asked for together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from lakecheck.drivers.fts import JobReport
from lakecheck.errors import DriverError, TesterFailed

log = logging.getLogger("lakecheck.drivers")
BATCH = 200  # ids of 36 characters in one URL, which servers bound at 8 kB
PACE = 1.0  # seconds a request, where many jobs need several
SHARE = 0.15  # of a job's age that may pass until it is asked for again
SOONEST, LATEST = 0.5, 15.0  # seconds between two questions about one job

Ask = Callable[[Sequence[str], bool], Awaitable[Sequence[JobReport]]]


class Followed(Struct, eq=False):
    """A job that somebody waits for."""

    id: str
    since: float  # on the monotonic clock
    due: float
    outcome: asyncio.Future[JobReport]


def interval(age: float, jobs: int = 1) -> float:
    """Seconds until a job of this age is asked for again: the older, the less is missed by it.

    With many jobs they are so many that FTS is asked once in `PACE`.
    """
    return max(min(max(age * SHARE, SOONEST), LATEST), (jobs // BATCH) * PACE)


class Follower:
    """Asks for the states of all jobs in bulk, and for the files of those that have ended."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._followed: dict[str, Followed] = {}
        self._task: asyncio.Task[None] | None = None
        self.trouble: DriverError | None = None  # why the last question had no answer

    async def ended(self, job_id: str) -> JobReport:
        """Wait for the end of a job and give its report, with its files."""
        now = time.monotonic()
        outcome: asyncio.Future[JobReport] = asyncio.get_running_loop().create_future()
        self._followed[job_id] = Followed(job_id, now, now + SOONEST, outcome)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        try:
            return await outcome
        finally:
            self._followed.pop(job_id, None)

    async def close(self) -> None:
        """Follow nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while self._followed:
            now = time.monotonic()
            first = min(each.due for each in self._followed.values())
            # Those that are due soon are asked for with those that are due now.
            await asyncio.sleep(max(first - now, SOONEST / 2))
            now = time.monotonic()
            for batch in batches(due(self._followed.values(), now + SOONEST / 2)):
                await self._look(batch)

    async def _look(self, batch: Sequence[Followed]) -> None:
        ended = await self._told([each.id for each in batch], files=False)
        gone = [job.id for job in ended if job.ended]
        for job in await self._told(gone, files=True) if gone else ():
            waiting = self._followed.get(job.id)
            if waiting and job.ended and not waiting.outcome.done():
                waiting.outcome.set_result(job)
        now = time.monotonic()
        for each in batch:
            each.due = now + interval(now - each.since, len(self._followed))

    async def _told(self, ids: Sequence[str], files: bool) -> Sequence[JobReport]:
        """Ask; that it does not answer is kept in mind, and the next question comes later."""
        try:
            told = await self._ask(ids, files)
        except DriverError as error:
            if self.trouble is None:
                log.warning("following FTS jobs: %s; asking again", error)
            self.trouble = error
            return ()
        except Exception as error:  # whoever waits must not wait for a task that has died
            log.exception("following FTS jobs")
            self.trouble = TesterFailed(f"{type(error).__name__}: {error}")
            return ()
        self.trouble = None
        return told


def due(jobs: Iterable[Followed], until: float) -> Sequence[Followed]:
    """Give those that are due by then, and as many of the next as share their last request."""
    ordered = sorted(jobs, key=lambda each: each.due)
    count = sum(each.due <= until for each in ordered)
    return ordered[: -(-count // BATCH) * BATCH]


def batches(jobs: Sequence[Followed]) -> Iterator[Sequence[Followed]]:
    """Cut what is asked for into what one URL may hold."""
    for start in range(0, len(jobs), BATCH):
        yield jobs[start : start + BATCH]
