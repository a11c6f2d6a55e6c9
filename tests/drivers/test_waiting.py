"""Our own waiting is charged to no storage."""

from __future__ import annotations

import asyncio

import pytest

from lakecheck.drivers.waiting import CLOCK, AtWork, Clock, ForOurselves


async def _in_a_case(clock: Clock, ours: float, theirs: float, limit: float) -> None:
    CLOCK.set(clock)
    async with clock.limit(asyncio.get_running_loop().time() + limit):
        with ForOurselves():
            await asyncio.sleep(ours)
        await asyncio.sleep(theirs)


def test_waiting_for_ourselves_stops_the_clock() -> None:
    clock = Clock()
    asyncio.run(_in_a_case(clock, ours=0.3, theirs=0.0, limit=0.1))
    assert clock.lost >= 0.3


def test_what_comes_after_is_bounded_again() -> None:
    clock = Clock()
    with pytest.raises(TimeoutError):
        asyncio.run(_in_a_case(clock, ours=0.2, theirs=30, limit=0.1))


def test_without_a_case_nothing_happens() -> None:
    with ForOurselves():
        assert CLOCK.get() is None


def test_a_cancelled_wait_is_still_counted() -> None:
    clock = Clock()

    async def cancelled() -> None:
        task = asyncio.create_task(_in_a_case(clock, ours=30, theirs=0, limit=1))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert 0 < clock.lost < 30


async def _one_of_several(ours: float, theirs: float) -> None:
    with ForOurselves():
        await asyncio.sleep(ours)
    with AtWork():
        await asyncio.sleep(theirs)


async def _several(clock: Clock, limit: float, *each: tuple[float, float]) -> float:
    CLOCK.set(clock)
    began = asyncio.get_running_loop().time()
    async with clock.limit(began + limit):
        await asyncio.gather(*(_one_of_several(*times) for times in each))
    return asyncio.get_running_loop().time() - began - clock.lost


def test_of_several_that_wait_at_once_the_time_is_lost_once() -> None:
    clock = Clock()
    took = asyncio.run(_several(clock, 1.0, (0.3, 0.1), (0.3, 0.1), (0.3, 0.1)))
    assert 0.3 <= clock.lost < 0.6
    assert took >= 0.1


def test_while_one_works_the_clock_runs_though_others_wait() -> None:
    clock = Clock()
    took = asyncio.run(_several(clock, 1.0, (0.0, 0.4), (0.3, 0.0), (0.3, 0.0)))
    assert clock.lost < 0.2
    assert took >= 0.4


def test_time_runs_out_while_one_works_and_others_wait() -> None:
    clock = Clock()
    with pytest.raises(TimeoutError):
        asyncio.run(_several(clock, 0.2, (0.0, 30), (30, 0.0)))
