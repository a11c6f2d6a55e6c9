"""Blocking clients of services, called in threads, again and again where trouble may pass."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception, wait_exponential, wait_random

from lakecheck.errors import DriverError, Overloaded, ProtocolError, TimedOut, Unreachable

Answer = TypeVar("Answer")
PASSING = (Unreachable, TimedOut, Overloaded, ProtocolError)
FIRST, LONGEST = 0.5, 10.0  # seconds between two attempts
WAIT = wait_exponential(multiplier=FIRST, max=LONGEST) + wait_random(0, 2 * FIRST)
log = logging.getLogger("lakecheck.drivers")


def passes(error: BaseException) -> bool:
    """Say whether an error may go away by itself: a request that is refused stays wrong."""
    if isinstance(error, ProtocolError):
        return error.code is None or not 400 <= error.code < 500
    return isinstance(error, PASSING)


class Patience:
    """Makes calls to one service; `trouble` is why the last one had no answer."""

    def __init__(self, service: str, at_once: int) -> None:
        self._service = service
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=f"lakecheck-{service}")
        self.trouble: DriverError | None = None
        self._told = False  # whether anybody has heard of the trouble

    async def once(self, call: Callable[[], Answer]) -> Answer:
        """Make a call."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def patiently(self, call: Callable[[], Answer]) -> Answer:
        """Make a call until it succeeds or is cancelled; what will not pass by itself is raised."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(passes),
            wait=WAIT,
            reraise=True,
        ):
            with attempt:
                again = attempt.retry_state.attempt_number > 1
                answer = await self._attempt(call, again)
        return answer

    async def _attempt(self, call: Callable[[], Answer], again: bool) -> Answer:
        try:
            answer = await self.once(call)
        except PASSING as error:
            if not passes(error):
                raise
            # A server may close a connection while it is asked: that is no trouble if it is once.
            if again and not self._told:
                self._told = True
                log.warning("%s: %s; trying again", self._service, error)
            self.trouble = error
            raise
        self.trouble, self._told = None, False
        return answer

    async def within(self, seconds: float, call: Callable[[], Answer], url: str) -> Answer:
        """Make a call patiently, for so long; then raise what stood in the way."""
        try:
            async with asyncio.timeout(seconds):
                return await self.patiently(call)
        except TimeoutError:
            silent = TimedOut(f"{self._service} at {url} does not answer", side="service")
            raise self.trouble or silent from None

    def close(self) -> None:
        """Make no more calls."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_away(error: BaseException) -> bool:
    """Say whether a service, and no storage behind it, was in trouble that may pass."""
    return isinstance(error, PASSING) and error.side == "service"
