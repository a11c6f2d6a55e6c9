"""One engine a run: an asyncio loop in a thread of the controlling process."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from lakecheck.documents.result import Context, Document
from lakecheck.engine.aims import Selected, aims
from lakecheck.engine.conductor import Conductor
from lakecheck.engine.desk import Desk
from lakecheck.engine.ledger import Ledger
from lakecheck.engine.limits import HOUSEKEEPING, HOUSEKEEPING_TROUBLED, Limits
from lakecheck.engine.payloads import Payloads
from lakecheck.engine.recorder import Recorder
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.socket import serve
from lakecheck.engine.sweep import sweep
from lakecheck.engine.vouching import vouch
from lakecheck.engine.workshop import Workshop
from lakecheck.model import Credential

log = logging.getLogger("lakecheck.engine")
RETRY_EVERY = 1.0  # seconds between attempts to write held documents while nothing else happens


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
        beside: Callable[[Sessions], Coroutine[Any, Any, Any]] | None = None,
        after: Callable[[Sessions], Coroutine[Any, Any, Any]] | None = None,
    ) -> None:
        """`beside` is done while the cases run, `after` at the end, with their connections.

        Both are waited for a little.
        """
        self.recorder = recorder
        self.ledger = ledger
        self.payloads = Payloads(context.run_id)
        self.sessions = Sessions(self.payloads.folder)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.credentials = credentials
        self._workshop = Workshop(context.run_id, credentials, self.sessions, ledger, self.payloads)
        self.desk = Desk(recorder, self._workshop)
        self._socket: Path | None = None
        self._limits = limits
        self._aims = aims(selected)
        self._beside = beside
        self._after = after
        self._conductor: Conductor | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._stopping = False
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
        # Who is interrupted again while it waits for the end leaves the thread behind.
        atexit.register(self.payloads.remove)
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
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile
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
        keeping = asyncio.create_task(self._keep_writing())
        try:
            await self._work()
            while not self._held_open.is_set():
                self._wake.clear()
                await self._wake.wait()
        finally:
            keeping.cancel()
            if server and self._socket:
                server.close()
                self._socket.unlink(missing_ok=True)
            await self.sessions.close()
            await asyncio.to_thread(self.payloads.remove)
            atexit.unregister(self.payloads.remove)

    async def _work(self) -> None:
        beside = [asyncio.create_task(self._beside(self.sessions))] if self._beside else []
        unsound = await vouch(self._aims, self.credentials, self.recorder, self._workshop)
        conductor = Conductor(self._aims, unsound, self._limits, self.recorder, self._workshop)
        self._conductor = conductor
        if self._stopping:
            conductor.interrupt()
        await conductor.drive()
        await self._tidy(conductor, beside)

    async def _tidy(self, conductor: Conductor, started: list[asyncio.Task[Any]]) -> None:
        """Remove seeds and old leftovers; short where something hangs, so that the run ends."""
        troubled = conductor.silence.troubled
        left = [self._workshop.seeds.remove(), self._workshop.release()]
        if self._after:
            left.append(self._after(self.sessions))
        tasks = [*started, *map(asyncio.create_task, left)]
        if not self._stopping:
            answered = set(conductor.scheduler.answered) - troubled
            tasks.append(asyncio.create_task(self._sweep(answered)))
        limit = HOUSEKEEPING_TROUBLED if troubled else HOUSEKEEPING
        _, late = await asyncio.wait(tasks, timeout=limit)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("tidying up", exc_info=outcome)

    async def _sweep(self, answered: set[str]) -> None:
        await sweep(self._aims.values(), self._workshop, answered)

    async def _keep_writing(self) -> None:
        """Write held documents when space returns, though no new one may come for a while."""
        while True:
            await asyncio.sleep(RETRY_EVERY)
            self.recorder.flush()

    def _interrupt(self) -> None:
        self.payloads.stop()
        if self._conductor:
            self._conductor.interrupt()
        self._poke()

    def _poke(self) -> None:
        if self.loop and self._wake and not self.loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._wake.set)
