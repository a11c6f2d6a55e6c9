"""What many ask for at about the same time, asked for with one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
WAIT = 0.05  # seconds that the first waits for others


class Together(Generic[Answer]):
    """Collects names for a moment; `call` answers for at most so many of them at once."""

    def __init__(
        self, call: Callable[[Sequence[str]], Awaitable[Mapping[str, Answer]]], most: int
    ) -> None:
        self._call = call
        self._most = most
        self._waiting: list[tuple[str, asyncio.Future[Answer]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def of(self, name: str) -> Answer:
        """Give the answer for one name; raises what the call raised, KeyError if it has none."""
        outcome: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((name, outcome))
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._collect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await outcome

    async def close(self) -> None:
        """Answer nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _collect(self) -> None:
        await asyncio.sleep(WAIT)
        taken, self._waiting = self._waiting, []
        wanted = [each for each in taken if not each[1].done()]
        batches = [
            wanted[start : start + self._most] for start in range(0, len(wanted), self._most)
        ]
        await asyncio.gather(*map(self._answer, batches))

    async def _answer(self, batch: Sequence[tuple[str, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._call([name for name, _ in batch])
        except Exception as error:
            for _, outcome in batch:
                if not outcome.done():
                    outcome.set_exception(error)
            return
        for name, outcome in batch:
            if outcome.done():
                continue
            if name in answers:
                outcome.set_result(answers[name])
            else:
                outcome.set_exception(KeyError(name))
