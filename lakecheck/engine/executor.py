"""Executes one case: its steps in order, within its time, then its clean-up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from lakecheck.documents.result import Result
from lakecheck.engine.limits import CLEANUP, CLEANUP_SILENT
from lakecheck.engine.scheduler import Blocker
from lakecheck.errors import (
    BadCredential,
    DriverError,
    Exists,
    LakecheckError,
    Missing,
    Side,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import Case, Kind, Status, Step
from lakecheck.probes.base import Measured, Steps, Tools

# After these nothing can have been created, or what is there is not ours.
NOTHING_CREATED = (Unreachable, TlsFailed, BadCredential, Exists)

Outcome = Literal["answered", "silent", "broken"]
Emit = Callable[[Result], Status]
Heard = Callable[[Outcome, Result], None]


class Aim(Struct, frozen=True):
    """What is wanted of one case: its steps that were selected, and those that they need."""

    case: Case
    kind: Kind
    probe: Steps
    selected: frozenset[str]

    @property
    def needed(self) -> frozenset[str]:
        """Selected steps and, in turn, whatever they need."""
        names = set(self.selected)
        for step in reversed(self.kind.steps):
            if step.name in names:
                names.update(step.needs)
        return frozenset(names)


def status_of(error: DriverError) -> Status:
    """`error` where we, our credential or our installation failed; else `failed`."""
    return "error" if error.side == "tester" else "failed"


class Execution:
    """One case being executed; `emit` takes each result as it comes."""

    def __init__(self, aim: Aim, tools: Tools, emit: Emit, heard: Heard) -> None:
        self._aim = aim
        self._tools = tools
        self._emit = emit
        self._heard = heard
        self._passed: set[str] = set()
        self._blocker: Blocker | None = None
        self._interrupted = False
        self._answered = False
        self._deadline = 0.0
        self._removal = 0.0

    async def run(self) -> None:
        """Run every needed step; never raises, and leaves one result a selected step."""
        case = self._aim.case
        self._deadline = asyncio.get_running_loop().time() + case.test.timeout
        needed = self._aim.needed
        for step in self._aim.kind.steps:
            if step.name in needed and not step.finaliser:
                await self._step(step)
        await self._clean_up()

    async def _step(self, step: Step) -> None:
        if self._interrupted:
            self._report(step, "not_run", reason="the run was interrupted")
        elif self._blocker and not all(need in self._passed for need in step.needs):
            self._blocked(step)
        else:
            await self._attempt(step, self._deadline)

    async def _attempt(self, step: Step, deadline: float) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout_at(deadline):
                measured = await self._aim.probe[step.name](self._tools)
        except asyncio.CancelledError:
            self._interrupt()
            self._report(step, "not_run", reason="the run was interrupted")
        except (TimeoutError, LakecheckError) as error:
            self._failed(step, self._known(error, step), time.perf_counter() - began)
        except Exception as error:  # a probe's or driver's own mistake must not end the run
            broken = TesterFailed(f"{type(error).__name__}: {error}", phase=step.name)
            self._failed(step, broken, time.perf_counter() - began)
        else:
            self._succeeded(step, measured, time.perf_counter() - began)

    def _known(self, error: TimeoutError | LakecheckError, step: Step) -> DriverError:
        if isinstance(error, DriverError):
            return error
        if isinstance(error, TimeoutError):
            limit = self._aim.case.test.timeout
            side: Side = "transfer" if self._aim.case.source else "storage"
            return TimedOut(
                f"no answer within {limit:g}s, the time of the whole case",
                phase=step.name,
                side=side,
            )
        return TesterFailed(str(error), phase=step.name)

    def _succeeded(self, step: Step, measured: Measured, took: float) -> None:
        self._passed.add(step.name)
        status: Status = "skipped" if measured.skipped else "passed"
        result = self._result(step, status, took, reason=measured.skipped)
        if not measured.skipped:
            result.bytes = measured.bytes
            result.duration = took if measured.duration is None else measured.duration
            result.measures = measured.measures
        self._tell("answered", result)
        self._give(step, result)

    def _failed(self, step: Step, error: DriverError, took: float) -> None:
        result = self._result(step, status_of(error), took, error=error)
        if self._blocker is None:
            self._blocker = Blocker(result.address, error)
        if isinstance(error, TimedOut):
            self._tell("broken" if self._answered else "silent", result)
        elif isinstance(error, TesterFailed | Unreachable):
            self._tell("broken", result)
        else:
            self._tell("answered", result)
        self._give(step, result)

    def _tell(self, outcome: Outcome, result: Result) -> None:
        self._answered = self._answered or outcome == "answered"
        self._heard(outcome, result)

    def _blocked(self, step: Step) -> None:
        assert self._blocker is not None
        self._report(step, "blocked", blocked_by=self._blocker.address, error=self._blocker.error)

    def _interrupt(self) -> None:
        self._interrupted = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()

    async def _clean_up(self) -> None:
        final = next((step for step in self._aim.kind.steps if step.finaliser), None)
        may_exist = bool(self._aim.case.endpoint) and self._tools.maybe_there
        if may_exist and self._blocker and isinstance(self._blocker.error, NOTHING_CREATED):
            self._tools.removed()
            may_exist = False
        if final is None:
            if may_exist:
                await self._remove()
            return
        ready = all(need in self._passed for need in final.needs)
        if may_exist and ready and not self._interrupted:
            await self._attempt(final, self._deadline + CLEANUP)
        elif may_exist and await self._remove():
            self._report(final, "passed", duration=self._removal)
        elif self._interrupted:
            self._report(final, "not_run", reason="the run was interrupted")
        else:
            self._blocked(final)

    async def _remove(self) -> bool:
        """Remove what an unfinished case may have left; True where something was removed."""
        began = time.perf_counter()
        limit = CLEANUP if self._answered else CLEANUP_SILENT
        try:
            async with asyncio.timeout(limit):
                await self._tools.storage.delete(self._tools.url)
        except Missing:
            self._tools.removed()
            return False
        except (TimeoutError, LakecheckError, asyncio.CancelledError):
            return False  # the ledger keeps it for `close` and for the sweep of a later run
        self._tools.removed()
        self._removal = time.perf_counter() - began
        return True

    def _result(self, step: Step, status: Status, took: float | None, **more: object) -> Result:
        return Result(
            self._aim.case,
            step.name,
            status,
            time.time(),
            duration=took,
            **more,  # type: ignore[arg-type]
        )

    def _report(self, step: Step, status: Status, **more: object) -> None:
        took = more.pop("duration", None)
        self._give(step, self._result(step, status, took, **more))  # type: ignore[arg-type]

    def _give(self, step: Step, result: Result) -> None:
        if step.name in self._aim.selected:
            status = self._emit(result)
            if status in ("failed", "error") and result.status == "passed":
                # An unmet expectation; what follows can run all the same.
                result.status = status


def blocked(case: Case, steps: Sequence[str], blocker: Blocker) -> list[Result]:
    """Results of a case that never started because of another check."""
    return [
        Result(case, step, "blocked", time.time(), blocked_by=blocker.address, error=blocker.error)
        for step in steps
    ]
