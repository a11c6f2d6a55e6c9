"""Starts what the scheduler hands out, and sees that every selected check gets its document."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence

from lakecheck.documents.result import Result
from lakecheck.drivers.base import Payload
from lakecheck.engine.aims import Aim
from lakecheck.engine.executor import Execution, Outcome
from lakecheck.engine.limits import Limits
from lakecheck.engine.recorder import Recorder
from lakecheck.engine.scheduler import Blocker, Job, Planting, Scheduler
from lakecheck.engine.seeds import seed_of
from lakecheck.engine.silence import Silence
from lakecheck.engine.workshop import Workshop
from lakecheck.errors import DriverError, TesterFailed
from lakecheck.model import Case, Status

log = logging.getLogger("lakecheck.engine")
INTERRUPTED = "the run was interrupted"


class Conductor:
    """The running part of an engine: one scheduler, and the jobs in flight."""

    def __init__(
        self,
        aims: Mapping[str, Aim],
        unsound: Mapping[str, Blocker],
        limits: Limits,
        recorder: Recorder,
        workshop: Workshop,
    ) -> None:
        self._aims = aims
        self._recorder = recorder
        self._workshop = workshop
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: dict[asyncio.Task[None], Job] = {}
        self._executions: dict[Job, Execution] = {}
        self._never: list[tuple[Case, Blocker]] = []  # cases that will not start, and why
        self.scheduler = Scheduler(self._startable(unsound), limits, seed_of)
        self.silence = Silence(self.scheduler)

    async def drive(self) -> None:
        """Run until every case has ended or was taken back."""
        while True:
            self._tell_ends()
            while not self._stopping and (found := self.scheduler.next()):
                job, blocker = found
                if blocker is None:
                    self._launch(job)
                elif isinstance(job, Planting):
                    self.scheduler.planted(job.seed, blocker)
                else:
                    self._block(job, blocker)
                    self._tell_ends()
            if not self._running:
                break
            self._wake.clear()
            await self._wake.wait()
        for case in self.scheduler.drain():
            self._leave(case, "not_run", reason=INTERRUPTED)

    def _tell_ends(self) -> None:
        """Let the scheduler know of cases that never start: others may need them."""
        while self._never:
            self.scheduler.ended(*self._never.pop())

    def interrupt(self) -> None:
        """Start nothing more and end what runs; clean-up goes on."""
        self._stopping = True
        for task, job in self._running.items():
            execution = self._executions.get(job)
            if execution is not None:
                execution.interrupt()
            else:
                task.cancel()
        self._wake.set()

    def _startable(self, unsound: Mapping[str, Blocker]) -> Iterable[Case]:
        """Cases that can start; the others get their documents now."""
        for aim in self._aims.values():
            case = aim.case
            if case.skip:
                self._leave(case, "skipped", reason=case.skip)
            elif bad := next((name for name in case.credentials if name in unsound), ""):
                self._block(case, unsound[bad])
            else:
                yield case

    def _launch(self, job: Job) -> None:
        work = self._plant(job) if isinstance(job, Planting) else self._execute(job)
        task = asyncio.create_task(work)
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        job = self._running.pop(task)
        self._executions.pop(job, None)
        self.scheduler.finished(job)
        case = job.case if isinstance(job, Planting) else job
        trouble = None if task.cancelled() else task.exception()
        if task.cancelled() and isinstance(job, Case):
            self._leave(job, "not_run", reason=INTERRUPTED)
        elif trouble is not None:
            log.error("%s", case.address, exc_info=trouble)
            broken = TesterFailed(f"{type(trouble).__name__}: {trouble}")
            if isinstance(job, Planting):
                self.scheduler.planted(job.seed, Blocker("", broken))
            else:
                self._leave(job, "error", error=broken)
                self._never.append((job, Blocker(job.checks[0], broken)))
        self._wake.set()

    async def _plant(self, job: Planting) -> None:
        source = job.case.source
        assert source is not None
        error = await self._workshop.plant(job.seed, job.case)
        if error is None:
            self.silence.answer(source)
            self.scheduler.planted(job.seed, None)
            return
        blocker = Blocker(self._workshop.seeds.address(job.seed, job.case), error)
        log.info("%s: %s", blocker.address, error)
        self.silence.plant_failed(source, blocker)
        self.scheduler.planted(job.seed, blocker)
        self._wake.set()
        await self._workshop.seeds.discard(job.seed, error)

    async def _execute(self, case: Case) -> None:
        began = time.monotonic()
        try:
            payload: Payload | None = None
            if case.driven and (case.source is None or case.asks):
                payload = await self._workshop.payloads.of(case.size)
        except TesterFailed as error:
            self._leave(case, "error", error=error)
            self._never.append((case, Blocker(case.checks[0], error)))
            return

        def heard(outcome: Outcome, result: Result) -> None:
            self.silence.hear(case, began, outcome, result)

        def answered() -> None:
            if case.test.service is not None:
                self.silence.answer_of(case.test.service)
                self._wake.set()

        tools = self._workshop.tools(case, payload)
        tools.answered = answered
        execution = Execution(self._aims[case.address], tools, self._recorder.emit, heard)
        self._executions[case] = execution
        await execution.run()
        self.scheduler.ended(case, execution.blocker)

    def _block(self, case: Case, blocker: Blocker) -> None:
        self._leave(case, "blocked", error=blocker.error, blocked_by=blocker.address)
        self._never.append((case, blocker))

    def _leave(
        self,
        case: Case,
        status: Status,
        *,
        reason: str = "",
        error: DriverError | None = None,
        blocked_by: str = "",
    ) -> None:
        """Give every selected step of a case that has no document yet this one."""
        steps: Sequence[str] = self._aims[case.address].steps
        for step in steps:
            self._recorder.emit(
                Result(
                    case,
                    step,
                    status,
                    time.time(),
                    reason=reason,
                    error=error,
                    blocked_by=blocked_by,
                )
            )
