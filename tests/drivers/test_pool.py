from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lakecheck.drivers import pool as pool_module
from lakecheck.drivers.pool import Gate, Identity, Pool, Replied
from lakecheck.drivers.worker_wire import RAISED
from lakecheck.errors import TesterFailed
from tests.drivers.processes import await_end

WHO = Identity("robot")
HANG = 30.0  # s; only bounds a hanging test


def run(pool_of: Callable[[], Pool], use: Callable[[Pool], Awaitable[None]]) -> None:
    async def session() -> None:
        pool = pool_of()
        try:
            await asyncio.wait_for(use(pool), HANG)
        finally:
            await pool.close()
        assert pool.pids == ()

    asyncio.run(session())


def test_an_idle_process_is_used_again(fake: str) -> None:
    async def use(pool: Pool) -> None:
        assert {await pool.call(WHO, "pid") for _ in range(5)} == set(pool.pids)
        assert len(pool.pids) == 1

    run(lambda: Pool(fake), use)


def test_calls_at_the_same_time_have_processes_of_their_own(fake: str) -> None:
    async def use(pool: Pool) -> None:
        pids = await asyncio.gather(*(pool.call(WHO, "sleep", 0.3) for _ in range(4)))
        assert len(set(pids)) == 4

    run(lambda: Pool(fake, active=4), use)


def test_no_more_calls_are_active_than_have_places(fake: str) -> None:
    async def use(pool: Pool) -> None:
        await asyncio.gather(*(pool.call(WHO, "sleep", 0.01) for _ in range(12)))
        assert len(pool.pids) == 2

    run(lambda: Pool(fake, active=2), use)


def test_a_silent_call_makes_room_for_others(fake: str) -> None:
    async def use(pool: Pool) -> None:
        hung = [asyncio.create_task(pool.call(WHO, "sleep", 600)) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await pool.call(WHO, "echo", "through") == ("through",)
        assert len(pool.pids) == 4
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)

    run(lambda: Pool(fake, active=1), use)


def test_a_cancelled_call_kills_its_process_only(fake: str, tmp_path: Path) -> None:
    async def use(pool: Pool) -> None:
        doomed = asyncio.create_task(pool.call(WHO, "announce", str(tmp_path / "doomed"), 600))
        other = asyncio.create_task(pool.call(WHO, "await_file", str(tmp_path / "go")))
        while not (tmp_path / "doomed").exists() or len(pool.pids) < 2:
            await asyncio.sleep(0.01)
        killed = int((tmp_path / "doomed").read_text())
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        assert await_end([killed]) == []
        assert killed not in pool.pids
        (tmp_path / "go").touch()
        assert await other != killed
        assert await pool.call(WHO, "echo", 1) == (1,)

    run(lambda: Pool(fake), use)


def test_a_crash_is_told_once_and_harms_nobody_else(fake: str, tmp_path: Path) -> None:
    journal = tmp_path / "calls"

    async def use(pool: Pool) -> None:
        healthy = [asyncio.create_task(pool.call(WHO, "sleep", 0.2)) for _ in range(2)]
        with pytest.raises(TesterFailed, match="SIGSEGV"):
            await pool.call(WHO, "crash", str(journal), int(signal.SIGSEGV))
        assert len(set(await asyncio.gather(*healthy))) == 2
        assert await pool.call(WHO, "echo", 1) == (1,)

    run(lambda: Pool(fake), use)
    assert journal.read_text() == "called\n"


def test_a_process_killed_from_outside_while_idle_is_replaced(fake: str) -> None:
    async def use(pool: Pool) -> None:
        first = await pool.call(WHO, "pid")
        os.kill(first, signal.SIGKILL)
        while pool.pids:
            await asyncio.sleep(0.01)
        assert await pool.call(WHO, "pid") != first

    run(lambda: Pool(fake), use)


def test_what_a_call_raises_is_given_on(fake: str) -> None:
    async def use(pool: Pool) -> None:
        with pytest.raises(Replied) as caught:
            await pool.call(WHO, "fail")
        assert caught.value.reply[:4] == (RAISED, "Failure", 28, "no space left")

    run(lambda: Pool(fake), use)


def test_identities_have_processes_and_environments_of_their_own(
    fake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X509_USER_PROXY", "/run/of/the/caller")
    mine = Identity("mine", settings=(("X509_USER_PROXY", "/run/mine"),))
    nobody = Identity("none", settings=(("X509_USER_PROXY", ""),))

    async def use(pool: Pool) -> None:
        assert await pool.call(mine, "environment", "X509_USER_PROXY") == "/run/mine"
        assert await pool.call(nobody, "environment", "X509_USER_PROXY") is None
        assert len(pool.pids) == 2

    run(lambda: Pool(fake), use)


def test_a_full_pool_ends_an_idle_process_of_another_identity(fake: str) -> None:
    async def use(pool: Pool) -> None:
        for name in ("a", "b", "c", "a"):
            await pool.call(Identity(name), "pid")
            assert len(pool.pids) <= 2

    run(lambda: Pool(fake, processes=2), use)


def test_a_full_pool_of_busy_processes_lets_calls_wait(fake: str) -> None:
    async def use(pool: Pool) -> None:
        pids = await asyncio.gather(*(pool.call(WHO, "sleep", 0.05) for _ in range(9)))
        assert len(set(pids)) <= 3

    run(lambda: Pool(fake, processes=3, active=9), use)


def test_a_renewed_credential_gets_new_processes_and_old_ones_drain(fake: str) -> None:
    old, new = Identity("robot", "1"), Identity("robot", "2")

    async def use(pool: Pool) -> None:
        idle = await pool.call(old, "pid")
        busy = asyncio.create_task(pool.call(old, "sleep", 0.5))
        await asyncio.sleep(0.1)
        fresh = await pool.call(new, "pid")
        assert fresh not in (idle, await busy)
        assert await_end([await busy]) == []
        assert await pool.call(new, "pid") == fresh

    run(lambda: Pool(fake), use)


def test_a_case_that_began_before_the_renewal_disturbs_nobody(fake: str) -> None:
    old, new = Identity("robot", "1"), Identity("robot", "2")

    async def use(pool: Pool) -> None:
        await pool.call(old, "pid")
        fresh = await pool.call(new, "pid")
        late = await pool.call(old, "pid")
        assert await pool.call(new, "pid") == fresh != late

    run(lambda: Pool(fake), use)


def test_a_stale_process_is_not_used_again(fake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "STALE", -1.0)

    async def use(pool: Pool) -> None:
        first = await pool.call(WHO, "pid")
        assert await pool.call(WHO, "pid") != first

    run(lambda: Pool(fake), use)


def test_a_closed_pool_says_so(fake: str) -> None:
    async def use(pool: Pool) -> None:
        hung = asyncio.create_task(pool.call(WHO, "sleep", 600))
        await asyncio.sleep(0.1)
        await pool.close()
        for call in (hung, pool.call(WHO, "pid")):
            with pytest.raises(TesterFailed):
                await call

    run(lambda: Pool(fake), use)


def test_a_machine_that_can_start_no_process_is_our_failure(
    fake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("lakecheck.drivers.worker_process.subprocess.Popen", refuse)

    async def use(pool: Pool) -> None:
        with pytest.raises(TesterFailed, match="no worker process could be started"):
            await pool.call(WHO, "pid")

    run(lambda: Pool(fake), use)


def test_the_gate_loses_no_place_when_those_who_wait_give_up() -> None:
    async def scenario() -> None:
        gate = Gate(1)
        turn = await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        turn.leave()
        turn.leave()  # a place is given back once only
        waiting[1].cancel()  # it was handed the place, but has not run since
        third = await asyncio.wait_for(waiting[2], HANG)
        third.leave()
        (await asyncio.wait_for(gate.enter(), HANG)).leave()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(scenario())
