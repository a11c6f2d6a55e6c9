"""Time in which we wait for ourselves (for a worker process, say) is charged to no storage."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from types import TracebackType


class Clock:
    """Time limits of one case; they stand still while we wait for ourselves.

    `lost` counts the seconds that passed so.
    """

    def __init__(self) -> None:
        self.lost = 0.0
        self.running: asyncio.Timeout | None = None

    def limit(self, when: float) -> Limit:
        """Bound what happens inside: until `when` on the loop's clock, and what is lost there."""
        return Limit(self, when)


class Limit:
    """`async with`: a limit on a case's clock. Classes, since every check enters two of these."""

    def __init__(self, clock: Clock, when: float) -> None:
        self._clock = clock
        self._timeout = asyncio.timeout_at(when)

    async def __aenter__(self) -> asyncio.Timeout:
        """Begin."""
        self._clock.running = await self._timeout.__aenter__()
        return self._timeout

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; TimeoutError where the time is over."""
        self._clock.running = None
        await self._timeout.__aexit__(kind, error, traceback)


class ForOurselves:
    """`with`: the clock of the case that is being executed stands still, if there is one."""

    def __enter__(self) -> None:
        """Stop it."""
        self._clock = CLOCK.get()
        if self._clock is None:
            return
        self._began = asyncio.get_running_loop().time()
        self._limit = self._clock.running
        self._when = self._limit.when() if self._limit else None
        if self._limit:
            self._limit.reschedule(None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let it go on."""
        if self._clock is None:
            return
        waited = asyncio.get_running_loop().time() - self._began
        self._clock.lost += waited
        if self._limit and self._when is not None:
            self._limit.reschedule(self._when + waited)


CLOCK: ContextVar[Clock | None] = ContextVar("lakecheck_clock", default=None)
