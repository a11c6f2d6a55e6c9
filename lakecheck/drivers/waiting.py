"""Time in which we wait for ourselves (for a worker process, say) is charged to no storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar


class Clock:
    """Time limits of one case; they stand still while we wait for ourselves.

    `lost` counts the seconds that passed so.
    """

    def __init__(self) -> None:
        self.lost = 0.0
        self._limit: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limit(self, when: float) -> AsyncIterator[asyncio.Timeout]:
        """Bound what happens inside: until `when` on the loop's clock, and what is lost there."""
        async with asyncio.timeout_at(when) as limit:
            self._limit = limit
            try:
                yield limit
            finally:
                self._limit = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock while we wait for ourselves."""
        loop, limit = asyncio.get_running_loop(), self._limit
        began, when = loop.time(), limit.when() if limit else None
        if limit:
            limit.reschedule(None)
        try:
            yield
        finally:
            waited = loop.time() - began
            self.lost += waited
            if limit and when is not None:
                limit.reschedule(when + waited)


CLOCK: ContextVar[Clock | None] = ContextVar("lakecheck_clock", default=None)


@contextmanager
def for_ourselves() -> Iterator[None]:
    """Stop the clock of the case that is being executed, if there is one."""
    clock = CLOCK.get()
    if clock is None:
        yield
        return
    with clock.stopped():
        yield
