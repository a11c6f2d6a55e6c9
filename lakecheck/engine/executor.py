"""Executes one case: its steps in order, within its time, then its clean-up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from lakecheck.documents.result import Result
from lakecheck.drivers.waiting import CLOCK, Clock
from lakecheck.engine.aims import Aim
from lakecheck.engine.limits import CLEANUP, CLEANUP_SILENT, DIAGNOSIS
from lakecheck.engine.scheduler import Blocker
from lakecheck.engine.tools import CaseTools
from lakecheck.errors import (
    BadCredential,
    DriverError,
    Exists,
    LakecheckError,
    Side,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import Status, Step
from lakecheck.probes.base import Measured

# After these nothing can have been created, or what is there is not ours. Unreachable is not among
# them: a server that dies in an upload refuses the connection with which libraries try again.
NOTHING_CREATED = (TlsFailed, BadCredential, Exists)

log = logging.getLogger("lakecheck.engine")

Outcome = Literal["answered", "silent", "broken"]
Emit = Callable[[Result], Status]
Heard = Callable[[Outcome, Result], None]


def status_of(error: DriverError) -> Status:
    """`error` where we, our credential or our installation failed; else `failed`."""
    return "error" if error.side == "tester" else "failed"


def _measure(result: Result, measured: Measured, took: float) -> None:
    result.bytes = measured.bytes
    result.duration = took if measured.duration is None else measured.duration
    result.files = measured.files
    result.throughput = measured.throughput
    result.measures = measured.measures
    result.severity = measured.severity


class Execution:
    """One case being executed; `emit` takes each result as it comes."""

    def __init__(self, aim: Aim, tools: CaseTools, emit: Emit, heard: Heard) -> None:
        self._aim = aim
        self._tools = tools
        self._emit = emit
        self._heard = heard
        self._passed: set[str] = set()
        self._causes: dict[str, Blocker] = {}  # step that did not pass → what stopped it
        self._late: Blocker | None = None  # the step that used up the case's time
        self._interrupted = False
        self._answered = False
        self._deadline = 0.0
        self._clock = Clock()
        self._removal = 0.0
        self._attempting: asyncio.Task[None] | None = None  # what an interruption may cancel
        self._cleaning: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Run every needed step; never raises, and leaves one result a selected step."""
        case = self._aim.case
        CLOCK.set(self._clock)
        self._deadline = asyncio.get_running_loop().time() + case.test.timeout
        self._tools.deadline = self._limit
        needed = self._aim.needed
        for step in self._aim.kind.steps:
            if step.name in needed and not step.finaliser:
                await self._step(step)
        await self._clean_up()

    @property
    def blocker(self) -> Blocker | None:
        """What those that need the case are blocked by; None where all of it passed."""
        if self._causes:
            return next(iter(self._causes.values()))
        left = [step.name for step in self._aim.kind.steps if step.name in self._aim.needed]
        left = [name for name in left if name not in self._passed]
        return Blocker(f"{self._aim.case.address}.{left[0]}", None) if left else None

    def interrupt(self) -> None:
        """Run no further step and end the present one; clean-up goes on, within its own time."""
        self._interrupted = True
        if self._attempting is not None:
            self._attempting.cancel()
        elif self._cleaning is not None:
            soon = asyncio.get_running_loop().time() + CLEANUP
            self._cleaning.reschedule(min(self._cleaning.when() or soon, soon))

    async def _step(self, step: Step) -> None:
        if self._interrupted:
            self._report(step, "not_run", reason="the run was interrupted")
        elif self._late and asyncio.get_running_loop().time() >= self._limit():
            self._blocked(step, self._late)
        elif cause := self._cause(step):
            self._blocked(step, cause)
        else:
            await self._attempt(step, self._limit())

    def _cause(self, step: Step) -> Blocker | None:
        return next((self._causes[need] for need in step.needs if need in self._causes), None)

    async def _attempt(self, step: Step, deadline: float) -> None:
        began = time.perf_counter() - self._clock.lost
        try:
            async with self._clock.limit(deadline) as limit:
                if step.finaliser:
                    self._cleaning = limit
                else:
                    self._attempting = asyncio.current_task()
                measured = await self._aim.probe[step.name](self._tools)
        except asyncio.CancelledError:
            self._end_interruption()
            self._report(step, "not_run", reason="the run was interrupted")
        except (TimeoutError, LakecheckError) as error:
            await self._explained(step, Measured(error=self._known(error, step)), began)
        except Exception as error:  # a probe's or driver's own mistake must not end the run
            log.exception("%s.%s", self._aim.case.address, step.name)
            broken = TesterFailed(f"{type(error).__name__}: {error}", phase=step.name)
            self._failed(step, broken, self._since(began))
        else:
            if measured.error:
                await self._explained(step, measured, began)
            else:
                self._succeeded(step, measured, self._since(began))
        finally:
            self._attempting = self._cleaning = None

    async def _explained(self, step: Step, measured: Measured, began: float) -> None:
        """Report a failure, after having found out which level is broken, where that is asked."""
        error, took = measured.error, self._since(began)
        assert error is not None
        if step.diagnosed and self._aim.diagnosis and status_of(error) == "failed":
            measured.measures = {**measured.measures, **await self._diagnosis()}
        self._failed(step, error, took, measured)

    async def _diagnosis(self) -> Mapping[str, Any]:
        assert self._aim.diagnosis is not None
        try:
            # Four levels, of which each moves the file's bytes.
            async with asyncio.timeout(DIAGNOSIS + self._aim.case.size / 1e6):
                return await self._aim.diagnosis(self._tools)
        except asyncio.CancelledError:
            self._end_interruption()
        except TimeoutError:
            log.warning("diagnosing %s took too long", self._aim.case.address)
        except Exception:
            log.exception("diagnosing %s", self._aim.case.address)
        return {}

    def _known(self, error: TimeoutError | LakecheckError, step: Step) -> DriverError:
        if isinstance(error, DriverError):
            return error
        if isinstance(error, TimeoutError):
            limit = self._aim.case.test.timeout
            case = self._aim.case
            side: Side = "transfer" if case.source else "service" if case.service else "storage"
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
            _measure(result, measured, took)
        self._tell("answered", result)
        self._give(step, result)

    def _failed(
        self, step: Step, error: DriverError, took: float, measured: Measured | None = None
    ) -> None:
        result = self._result(step, status_of(error), took, error=error)
        if measured:
            _measure(result, measured, took)
        cause = self._causes[step.name] = Blocker(result.address, error)
        if isinstance(error, TimedOut):
            self._late = self._late or cause
            self._tell("broken" if self._answered else "silent", result)
        elif isinstance(error, TesterFailed | Unreachable):
            self._tell("broken", result)
        else:
            self._tell("answered", result)
        self._give(step, result)

    def _tell(self, outcome: Outcome, result: Result) -> None:
        self._answered = self._answered or outcome == "answered"
        self._heard(outcome, result)

    def _blocked(self, step: Step, cause: Blocker) -> None:
        self._causes[step.name] = cause
        self._report(step, "blocked", blocked_by=cause.address, error=cause.error)

    def _end_interruption(self) -> None:
        self._interrupted = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()

    async def _clean_up(self) -> None:
        final = next((step for step in self._aim.kind.steps if step.finaliser), None)
        may_exist = self._tools.maybe_there
        if may_exist and self._nothing_created():
            self._tools.forget()
            may_exist = False
        if final is None:
            if may_exist:
                await self._remove()
        elif may_exist and all(need in self._passed for need in final.needs):
            await self._attempt(final, self._final_deadline())
        elif may_exist and await self._remove():
            self._report(final, "passed", duration=self._removal)
        elif self._interrupted:
            self._report(final, "not_run", reason="the run was interrupted")
        elif cause := self._cause(final):
            self._blocked(final, cause)
        else:
            self._report(final, "skipped", reason="there is nothing to remove")

    def _nothing_created(self) -> bool:
        if self._aim.case.asks:
            return False  # of several files, one may be there though another was refused
        first = next(iter(self._causes.values()), None)
        return not self._passed and first is not None and isinstance(first.error, NOTHING_CREATED)

    def _final_deadline(self) -> float:
        if self._interrupted:
            return asyncio.get_running_loop().time() + CLEANUP
        return self._limit() + CLEANUP

    def _limit(self) -> float:
        """When the case's time is over, on the loop's clock; our own waiting does not count."""
        return self._deadline + self._clock.lost

    def _since(self, began: float) -> float:
        return time.perf_counter() - self._clock.lost - began

    async def _remove(self) -> bool:
        """Remove what an unfinished case may have left; True where something was removed."""
        began = time.perf_counter() - self._clock.lost
        most = CLEANUP if self._answered else CLEANUP_SILENT
        try:
            async with self._clock.limit(asyncio.get_running_loop().time() + most):
                removed = await self._tools.clean()
        except (TimeoutError, LakecheckError):
            return False  # the ledger keeps it for `close` and for the sweep of a later run
        except Exception:
            log.exception("removing what %s left", self._aim.case.address)
            return False
        self._removal = self._since(began)
        return removed > 0

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
