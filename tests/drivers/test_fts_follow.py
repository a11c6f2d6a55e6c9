"""Following many jobs with few requests, against an FTS that is a function."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.drivers import fts_follow
from lakecheck.drivers.fts import FileReport, JobReport
from lakecheck.drivers.fts_follow import BATCH, LATEST, SOONEST, Followed, Follower, batches, due
from lakecheck.drivers.fts_follow import interval as pause
from lakecheck.errors import DriverError, Unreachable

FILE = FileReport("FINISHED", "davs://a/1", "davs://b/1")


class Fake:
    """Answers for jobs that end at given moments (seconds from its making)."""

    def __init__(self, ends: dict[str, float], lost: Sequence[str] = ()) -> None:
        self.began = time.monotonic()
        self.ends = ends
        self.lost = lost
        self.asked: list[tuple[tuple[str, ...], bool]] = []
        self.trouble: BaseException | None = None

    async def ask(self, ids: Sequence[str], files: bool) -> list[JobReport]:
        self.asked.append((tuple(ids), files))
        if self.trouble:
            raise self.trouble
        return [self._report(each, files) for each in ids]

    def _report(self, job: str, files: bool) -> JobReport:
        if job in self.lost:
            return JobReport(job, "", lost=True)
        state = "FINISHED" if time.monotonic() - self.began >= self.ends[job] else "ACTIVE"
        return JobReport(job, state, files=(FILE,) if files else ())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fts_follow, "SOONEST", 0.02)


async def follow(fake: Fake, *jobs: str) -> list[JobReport]:
    follower = Follower(fake.ask)
    try:
        async with asyncio.timeout(20):
            return await asyncio.gather(*map(follower.ended, jobs))
    finally:
        await follower.close()


def test_each_gets_its_own_end_with_its_files() -> None:
    fake = Fake({f"job-{n}": n / 50 for n in range(20)})

    reports = asyncio.run(follow(fake, *fake.ends))

    assert [report.id for report in reports] == list(fake.ends)
    assert {report.state for report in reports} == {"FINISHED"}
    assert {report.files for report in reports} == {(FILE,)}


def test_many_are_asked_for_together() -> None:
    fake = Fake({f"{n:036}": 0.5 for n in range(1000)})

    asyncio.run(follow(fake, *fake.ends))

    assert max(len(ids) for ids, _ in fake.asked) == BATCH
    states = [ids for ids, files in fake.asked if not files]
    assert 5 <= len(states) < 50  # one at a time, a single round would take 1000
    files = [ids for ids, files in fake.asked if files]
    assert sum(map(len, files)) == 1000  # an answer with files is long: nobody gets two


def test_what_it_does_not_know_has_ended() -> None:
    (known, lost) = asyncio.run(follow(Fake({"a": 0.1}, lost=["b"]), "a", "b"))

    assert (known.lost, lost.lost) == (False, True)


@pytest.mark.parametrize("error", [Unreachable("away"), ValueError("odd")])
def test_it_goes_on_when_it_answers_again(error: Exception) -> None:
    fake = Fake({"a": 0.0})
    fake.trouble = error

    async def both() -> tuple[DriverError | None, JobReport, DriverError | None]:
        follower = Follower(fake.ask)
        waiting = asyncio.create_task(follower.ended("a"))
        while follower.trouble is None:
            await asyncio.sleep(0.01)
        seen, fake.trouble = follower.trouble, None
        async with asyncio.timeout(10):
            return seen, await waiting, follower.trouble

    seen, report, after = asyncio.run(both())

    assert str(error) in str(seen)
    assert isinstance(seen, DriverError)
    assert (report.state, after) == ("FINISHED", None)


def test_who_waits_no_longer_is_not_asked_for() -> None:
    fake = Fake({"a": 99.0, "b": 0.3})

    async def one_gives_up() -> None:
        follower = Follower(fake.ask)
        first = asyncio.create_task(follower.ended("a"))
        second = asyncio.create_task(follower.ended("b"))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0)
        fake.asked.clear()
        assert (await second).state == "FINISHED"
        count = len(fake.asked)
        await asyncio.sleep(0.2)
        assert len(fake.asked) == count  # nobody waits, nothing is asked
        fake.ends["c"] = 0.0
        assert (await follower.ended("c")).state == "FINISHED"
        await follower.close()

    asyncio.run(one_gives_up())
    assert all("a" not in ids for ids, _ in fake.asked)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_older_a_job_the_more_seldom_it_is_asked_for(one: float, other: float) -> None:
    first, second = sorted((one, other))

    assert fts_follow.SOONEST <= pause(first) <= pause(second) <= LATEST
    assert pause(first) == fts_follow.SOONEST or pause(first) <= max(first, SOONEST)


def test_with_many_jobs_there_is_one_request_a_second() -> None:
    assert pause(0.0, 1000) == 5.0
    assert pause(0.0, BATCH - 1) == fts_follow.SOONEST
    assert pause(1e6, 1000) == LATEST


@given(
    st.lists(st.floats(0, 100), max_size=3 * BATCH).map(sorted),
    st.floats(0, 100),
)
def test_requests_are_filled_with_what_is_due_next(moments: list[float], now: float) -> None:
    jobs = [Followed(str(n), 0.0, moment, None) for n, moment in enumerate(moments)]  # type: ignore[arg-type]

    chosen = list(due(reversed(jobs), now))
    cut = list(batches(chosen))

    late = sum(moment <= now for moment in moments)
    assert [job.due for job in chosen] == moments[: len(chosen)]
    assert len(chosen) == min(len(jobs), -(-late // BATCH) * BATCH)
    assert len(cut) == -(-late // BATCH)
    assert [job for batch in cut for job in batch] == chosen
    assert all(0 < len(batch) <= BATCH for batch in cut)


def test_an_address_with_a_whole_batch_is_short_enough_for_servers() -> None:
    assert len("https://fts3.example.org:8446/jobs/") + BATCH * 37 + 200 < 8190
