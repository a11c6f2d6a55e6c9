"""Time in which we wait for ourselves (for a worker process, say) is charged to no storage."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from types import TracebackType


class Clock:
    """Time limits of one case; they stand still while we wait for ourselves.

    `lost` counts the seconds that passed so. Where a case does several things at once, that is the
    time in which all of them waited.
    """

    def __init__(self) -> None:
        self.lost = 0.0
        self.running: asyncio.Timeout | None = None
        self._waiting = self._working = 0
        self._since: float | None = None  # when it stopped, on the loop's clock
        self._when: float | None = None  # when the limit would have ended, had it gone on

    def limit(self, when: float) -> Limit:
        """Bound what happens inside: until `when` on the loop's clock, and what is lost there."""
        return Limit(self, when)

    def turn(self, waiting: int = 0, working: int = 0) -> None:
        """Count who waits for ourselves, and who works meanwhile; stop or go on accordingly."""
        self._waiting += waiting
        self._working += working
        stands = self._waiting > 0 and not self._working
        now = asyncio.get_running_loop().time()
        if stands and self._since is None:
            self._since = now
            self._when = self.running.when() if self.running else None
            self._let_end(None)
        elif not stands and self._since is not None:
            waited, self._since = now - self._since, None
            self.lost += waited
            if self._when is not None:
                self._let_end(self._when + waited)

    def _let_end(self, when: float | None) -> None:
        if self.running and not self.running.expired():
            self.running.reschedule(when)


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
    """`with`: the case that is being executed, if there is one, waits for ourselves."""

    _waiting, _working = 1, 0

    def __enter__(self) -> None:
        """Begin."""
        self._clock = CLOCK.get()
        if self._clock is not None:
            self._clock.turn(self._waiting, self._working)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End."""
        if self._clock is not None:
            self._clock.turn(-self._waiting, -self._working)


class AtWork(ForOurselves):
    """`with`: it is served, so its clock runs, whatever else of it waits at the same time."""

    _waiting, _working = 0, 1


CLOCK: ContextVar[Clock | None] = ContextVar("lakecheck_clock", default=None)
