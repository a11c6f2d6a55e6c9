"""Asking for many with one call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from lakecheck.drivers.together import Together


class Asked:
    """Answers with the length of each name; what is called `lost` it leaves out."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.calls: list[list[str]] = []
        self.trouble = trouble

    async def __call__(self, names: Sequence[str]) -> dict[str, int]:
        self.calls.append(list(names))
        await asyncio.sleep(0.01)
        if self.trouble:
            raise self.trouble
        return {name: len(name) for name in names if name != "lost"}


def test_who_asks_at_the_same_time_is_answered_together() -> None:
    asked = Asked()

    async def all_of_them() -> list[int]:
        together = Together(asked, 4)
        first = await asyncio.gather(*(together.of("x" * n) for n in range(1, 11)))
        return [*first, await together.of("later")]

    assert asyncio.run(all_of_them()) == [*range(1, 11), 5]
    assert [len(call) for call in asked.calls] == [4, 4, 2, 1]


def test_each_hears_of_the_error_and_of_what_is_left_out() -> None:
    async def ask(trouble: Exception | None, *names: str) -> list[int | BaseException]:
        together = Together(Asked(trouble), 4)
        return await asyncio.gather(*map(together.of, names), return_exceptions=True)

    broken = ValueError("broken")
    assert asyncio.run(ask(broken, "a", "b")) == [broken, broken]
    good, lost = asyncio.run(ask(None, "a", "lost"))
    assert good == 1
    assert isinstance(lost, KeyError)


def test_who_waits_no_longer_is_not_asked_for_and_an_end_ends_all() -> None:
    asked = Asked()

    async def some() -> None:
        together = Together(asked, 4)
        left = asyncio.create_task(together.of("left"))
        stays = asyncio.create_task(together.of("stays"))
        await asyncio.sleep(0)
        left.cancel()
        assert await stays == 5
        late = asyncio.create_task(together.of("late"))
        await asyncio.sleep(0)
        await together.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(late, 0.2)

    asyncio.run(some())
    assert asked.calls == [["stays"]]
