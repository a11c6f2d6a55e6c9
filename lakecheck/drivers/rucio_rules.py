"""Follows many rules with few requests: all rules of one run are asked for together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lakecheck.errors import DriverError

log = logging.getLogger("lakecheck.drivers")
SHARE = 0.1  # of the youngest rule's age that may pass until all are asked for again
SOONEST, LATEST = 0.5, 15.0  # seconds between two questions
SETTLED = ("OK", "STUCK", "SUSPENDED")

Ask = Callable[[str], Awaitable[Sequence["Rule"]]]


class Rule(Struct, frozen=True):
    """A rule as Rucio tells it; `locks` are numbers of files: there, on their way, stuck."""

    id: str
    state: str
    error: str = ""
    locks: tuple[int, int, int] = (0, 0, 0)
    child: str = ""
    expires: str = ""


def rule_of(told: Mapping[str, Any]) -> Rule:
    """Make a rule of what Rucio's client gives."""
    counts = (told.get(f"locks_{name}_cnt") or 0 for name in ("ok", "replicating", "stuck"))
    ok, replicating, stuck = counts
    return Rule(
        id=str(told["id"]).replace("-", ""),
        state=str(told["state"]),
        error=str(told.get("error") or ""),
        locks=(ok, replicating, stuck),
        child=str(told.get("child_rule_id") or ""),
        expires=str(told.get("expires_at") or ""),
    )


class Rules:
    """Rules that somebody waits for, by the comment that those of one run share."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._waiting: dict[str, tuple[str, float, asyncio.Future[Rule]]] = {}
        self._task: asyncio.Task[None] | None = None
        self.last: dict[str, Rule] = {}  # what was last told of each rule
        self.trouble: DriverError | None = None

    async def settled(self, rule_id: str, tag: str) -> Rule:
        """Wait until a rule is OK, stuck or suspended."""
        outcome: asyncio.Future[Rule] = asyncio.get_running_loop().create_future()
        self._waiting[rule_id] = (tag, time.monotonic(), outcome)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        try:
            return await outcome
        finally:
            self._waiting.pop(rule_id, None)

    async def close(self) -> None:
        """Follow nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while self._waiting:
            youngest = max(since for _, since, _ in self._waiting.values())
            age = time.monotonic() - youngest
            await asyncio.sleep(min(max(age * SHARE, SOONEST), LATEST))
            for tag in {tag for tag, _, _ in self._waiting.values()}:
                await self._look(tag)

    async def _look(self, tag: str) -> None:
        try:
            found = await self._ask(tag)
        except DriverError as error:
            if self.trouble is None:
                log.warning("following rules: %s", error)
            self.trouble = error
            return
        self.trouble = None
        for rule in found:
            waiting = self._waiting.get(rule.id)
            if waiting is None:
                continue
            self.last[rule.id] = rule
            if rule.state in SETTLED and not waiting[2].done():
                waiting[2].set_result(rule)
