"""One engine a run: an asyncio loop in a thread of the controlling process."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from lakecheck import registry
from lakecheck.documents.result import Context, Document, Result
from lakecheck.drivers.base import Payload
from lakecheck.engine.desk import Desk
from lakecheck.engine.executor import Aim, Execution, Outcome, blocked
from lakecheck.engine.ledger import Ledger
from lakecheck.engine.limits import Limits
from lakecheck.engine.payloads import Payloads
from lakecheck.engine.recorder import Recorder
from lakecheck.engine.scheduler import Blocker, Job, Planting, Scheduler, Seed
from lakecheck.engine.seeds import Seeds, seed_of
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.socket import serve
from lakecheck.engine.sweep import sweep
from lakecheck.engine.tools import CaseTools
from lakecheck.errors import TesterFailed
from lakecheck.model import NOBODY, Case, Credential, Kind, Status
from lakecheck.plan.expand import CREDENTIALS

Selected = Mapping[str, tuple[Case, str]]


class Engine:
    """Runs the selected checks; every one of them leaves exactly one document."""

    def __init__(
        self,
        selected: Selected,
        credentials: Mapping[str, Credential],
        context: Context,
        recorder: Recorder,
        ledger: Ledger,
        limits: Limits,
    ) -> None:
        self.recorder = recorder
        self.sessions = Sessions()
        self.ledger = ledger
        self.payloads = Payloads(context.run_id)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.credentials = credentials
        self.desk = Desk(self, context.run_id)
        self._run_id = context.run_id
        self._socket: Path | None = None
        self._limits = limits
        self._aims = _aims(selected)
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._stopping = False
        self._running: dict[asyncio.Task[None], Job] = {}
        self._wake: asyncio.Event | None = None
        self._held_open = threading.Event()  # set: no more calls from own tests will come
        self._held_open.set()
        self._failure: BaseException | None = None

    def start(self, hold: bool = False, socket: Path | None = None) -> None:
        """Begin; with `hold` the loop stays for calls from own tests until `release`.

        With `socket`, other processes may ask there.
        """
        self._socket = socket
        if hold:
            self._held_open.clear()
        self._thread = threading.Thread(target=self._thread_main, name="lakecheck-engine")
        self._thread.daemon = True
        self._thread.start()
        self._started.wait()

    def release(self) -> None:
        """Let the loop end when its cases have ended."""
        self._held_open.set()
        self._poke()

    def future(self, address: str) -> Future[Document]:
        """The document of a check, as soon as there is one."""
        return self.recorder.future(address)

    def stop(self) -> None:
        """Start nothing more, end what runs, clean up; every check left gets `not_run`."""
        self._stopping = True
        self._held_open.set()
        if self.loop and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._interrupt)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; True when it has come. Raises what went wrong inside, if anything."""
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        if self._failure is not None:
            raise self._failure
        return True

    def _thread_main(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # handed to whoever joins
            self._failure = error
        finally:
            self._started.set()
            self.recorder.leave("the run ended early")

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        server = await serve(self.desk, self._socket) if self._socket else None
        self._started.set()
        try:
            bad = await self._check_credentials()
            self._scheduler = Scheduler(self._startable(bad), self._limits, self._seed_of)
            self._seeds = Seeds(self.sessions, self.ledger, self.payloads, self._run_id)
            await self._drive()
            await self._seeds.remove()
            if not self._stopping:
                await sweep(
                    self.sessions,
                    self._aims.values(),
                    self.credentials,
                    self._run_id,
                    set(self._scheduler.answered),
                )
            while not self._held_open.is_set():
                self._wake.clear()
                await self._wake.wait()
        finally:
            if server and self._socket:
                server.close()
                self._socket.unlink(missing_ok=True)
            await self.sessions.close()
            await asyncio.to_thread(self.payloads.remove)

    async def _check_credentials(self) -> dict[str, Blocker]:
        """Run the credential cases first; give a blocker for each that is not sound."""
        bad: dict[str, Blocker] = {}
        for aim in [aim for aim in self._aims.values() if aim.kind.name == CREDENTIALS]:
            del self._aims[aim.case.address]

            def heard(outcome: Outcome, result: Result) -> None:
                if result.error:
                    bad[result.case.credential] = Blocker(result.address, result.error)

            await self._execution(aim, None, heard).run()
        return bad

    def _startable(self, bad: Mapping[str, Blocker]) -> Iterable[Case]:
        """Cases that can start; the others get their documents now."""
        for aim in list(self._aims.values()):
            case, steps = aim.case, [s.name for s in aim.kind.steps if s.name in aim.selected]
            if case.skip:
                for step in steps:
                    self.recorder.emit(Result(case, step, "skipped", time.time(), reason=case.skip))
            elif case.credential in bad:
                self._block(case, bad[case.credential])
            else:
                yield case

    async def _drive(self) -> None:
        assert self._wake is not None
        while True:
            while not self._stopping and (found := self._scheduler.next()):
                job, blocker = found
                if blocker is None:
                    self._launch(job)
                elif isinstance(job, Planting):
                    self._scheduler.planted(job.seed, blocker)
                else:
                    self._block(job, blocker)
            if not self._running:
                break
            self._wake.clear()
            await self._wake.wait()
        for case in self._scheduler.drain():
            for step in self._aims[case.address].kind.steps:
                if step.name in self._aims[case.address].selected:
                    self.recorder.emit(
                        Result(
                            case,
                            step.name,
                            "not_run",
                            time.time(),
                            reason="the run was interrupted",
                        )
                    )

    def _launch(self, job: Job) -> None:
        work = self._plant(job) if isinstance(job, Planting) else self._execute(job)
        task = asyncio.create_task(work)
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._scheduler.finished(self._running.pop(task))
        assert self._wake is not None
        self._wake.set()

    async def _plant(self, job: Planting) -> None:
        error = await self._seeds.plant(job.seed, job.case, self._credential(job.case))
        source = job.case.source
        assert source is not None
        if error is None:
            self._scheduler.answer(source, time.monotonic())
            self._scheduler.planted(job.seed, None)
            return
        blocker = Blocker(self._seeds.address(job.seed, job.case), error)
        if error.error_class == "timeout" and source.url not in self._scheduler.answered:
            self._scheduler.stall(source.url, blocker)
        self._scheduler.planted(job.seed, blocker)

    async def _execute(self, case: Case) -> None:
        aim = self._aims[case.address]
        began = time.monotonic()
        try:
            payload = None if case.source else await self.payloads.of(case.size)
        except TesterFailed as error:
            self._block(case, Blocker("", error), status="error")
            return

        def heard(outcome: Outcome, result: Result) -> None:
            self._note(case, began, outcome, result)

        await self._execution(aim, payload, heard).run()

    def _execution(
        self, aim: Aim, payload: Payload | None, heard: Callable[[Outcome, Result], None]
    ) -> Execution:
        tools = CaseTools(
            aim.case,
            self._credential(aim.case),
            self.sessions,
            self.ledger,
            payload,
            self._run_id,
            self._seeds.url(aim.case) if aim.case.source else "",
        )
        return Execution(aim, tools, self.recorder.emit, heard)

    def _note(self, case: Case, began: float, outcome: Outcome, result: Result) -> None:
        """Learn from a step which endpoints live, and which let cases time out unanswered."""
        ends = [end for end in (case.source, case.endpoint) if end]
        scheduler = self._scheduler
        if outcome == "answered":
            for end in ends:
                scheduler.answer(end, time.monotonic())
        elif outcome == "silent":
            quiet = [
                end
                for end in ends
                if scheduler.answered.get(end.url, 0.0) < (began if len(ends) == 1 else 1e-9)
            ]
            # Of two silent ends of a link it is not known which one hangs.
            if len(quiet) == 1:
                scheduler.stall(quiet[0].url, Blocker(result.address, result.error))

    def _block(self, case: Case, blocker: Blocker, status: Status = "blocked") -> None:
        aim = self._aims[case.address]
        steps = [step.name for step in aim.kind.steps if step.name in aim.selected]
        for result in blocked(case, steps, blocker):
            result.status = status
            self.recorder.emit(result)

    def _credential(self, case: Case) -> Credential:
        return self.credentials.get(case.credential, NOBODY)

    def _seed_of(self, case: Case) -> Seed | None:
        return seed_of(case)

    def _interrupt(self) -> None:
        for task in list(self._running):
            task.cancel()
        self._poke()

    def _poke(self) -> None:
        if self.loop and self._wake and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._wake.set)


def _aims(selected: Selected) -> dict[str, Aim]:
    """Selected steps by case, with what executes them."""
    steps: dict[str, set[str]] = {}
    cases: dict[str, Case] = {}
    for case, step in selected.values():
        address = case.address
        cases[address] = case
        steps.setdefault(address, set()).add(step)
    aims: dict[str, Aim] = {}
    for address, case in cases.items():
        kind: Kind = registry.load("kinds", case.test.kind)
        if kind.probe:
            module, _, name = kind.probe.partition(":")
            probe: Any = getattr(importlib.import_module(module), name)
            aims[address] = Aim(case, kind, probe, frozenset(steps[address]))
    return aims
