"""Takes files from the queue through their states, and ends what is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from lakecheck.devlake.fts.cleaning import Cleaner
from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.fts.copying import Done, Failed, Transfer, wish_of
from lakecheck.devlake.fts.credentials import Credentials
from lakecheck.devlake.fts.faults import Faults
from lakecheck.devlake.fts.log import TransferLog
from lakecheck.devlake.fts.queue import Queue
from lakecheck.devlake.fts.states import TOO_LONG, date
from lakecheck.devlake.fts.store import Row, Store
from lakecheck.drivers.base import Session
from lakecheck.errors import LakecheckError

LOG = logging.getLogger("lakecheck.devlake.fts")
TICK = 0.1  # seconds between two looks while files wait
IDLE = 0.5
HOST = "127.0.0.1"
# What another try does not change: FTS does not try again.
_FINAL = (
    errno.EPERM,
    errno.ENOENT,
    errno.EACCES,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EINVAL,
    errno.ENAMETOOLONG,
    errno.EPROTONOSUPPORT,
)


_GOES_ON = (("H", "FINISHED"), ("R", "FAILED"))


class Scheduler:
    """The transfers of the service."""

    def __init__(
        self,
        store: Store,
        config: Config,
        session: Session,
        credentials: Credentials,
        faults: Faults,
    ) -> None:
        self._store = store
        self._config = config
        self._session = session
        self._credentials = credentials
        self._faults = faults
        self._queue = Queue(store, config)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._jobs: dict[int, str] = {}
        self._wake = asyncio.Event()
        self._cleaner = Cleaner(store)
        self._stopping = False

    def submitted(self, files: Iterable[Row]) -> None:
        """Hear of new files."""
        for file in files:
            self._queue.add(file["link"], file["ready_at"])
        self._wake.set()

    def canceled(self, ids: Iterable[str]) -> None:
        """End the transfers of jobs that the store has as canceled."""
        gone = set(ids)
        for file_id, job_id in self._jobs.items():
            if job_id in gone:
                self._tasks[file_id].cancel()

    def cancel_files(self, ids: Iterable[int]) -> None:
        """End the transfers of files that the store has as canceled."""
        for file_id in ids:
            if file_id in self._tasks:
                self._tasks[file_id].cancel()

    async def run(self) -> None:
        """Work for ever."""
        self._clean_rests()
        looked = 0.0
        while True:
            if time.monotonic() - looked >= TICK:
                looked = time.monotonic()
                self._expire()
                self._stage()
            self._begin()
            self._wake.clear()
            pause = TICK if self._queue else IDLE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def stop(self) -> None:
        """End all transfers; the store has them as under way, so they are made anew."""
        tasks = list(self._tasks.values())
        self._stopping = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._cleaner.stop()

    def _expire(self) -> None:
        late = self._store.overdue()
        if late:
            self._store.cancel(late, TOO_LONG)

    def _stage(self) -> None:
        """Bring files online; these storages have them all on disk."""
        query = "SELECT file_id, job_id, link, ready_at FROM files WHERE file_state = 'STAGING'"
        for file in self._store.rows(query):
            if file["ready_at"] + self._config.staging <= time.time():
                changes = {"file_state": "SUBMITTED", "staging_finished": date()}
                self._store.set_file(file["file_id"], ("STAGING",), **changes)
                self._store.settle(file["job_id"])
                self._queue.add(file["link"], file["ready_at"])

    def _begin(self) -> None:
        fault = self._faults.now
        held = fault.seconds if fault.kind == "queue" else 0.0
        while (found := self._queue.next(held)) is not None:
            file_id, job_id = found["file_id"], found["job_id"]
            self._store.set_file(file_id, ("SUBMITTED",), file_state="READY")
            self._store.settle(job_id)
            task = asyncio.create_task(self._guard(file_id, job_id))
            self._tasks[file_id], self._jobs[file_id] = task, job_id
            task.add_done_callback(partial(self._ended, file_id, found["link"]))

    def _ended(self, file_id: int, link: str, _: object) -> None:
        del self._tasks[file_id], self._jobs[file_id]
        self._queue.free(link)
        self._wake.set()

    async def _guard(self, file_id: int, job_id: str) -> None:
        try:
            await self._transfer(file_id, job_id)
        except Exception:
            LOG.exception("file %d of job %s was given up", file_id, job_id)
            self._fail(file_id, Failed("AGENT", errno.EIO, "The transfer service failed"))

    async def _transfer(self, file_id: int, job_id: str) -> None:
        file, job = self._store.file(file_id), self._store.jobs([job_id])[job_id]
        log = TransferLog(Path(self._config.logs), job_id, file_id, file["link"])
        log(f"{file['source_surl']} -> {file['dest_surl']}, try {file['retry'] + 1}")
        began = self._store.set_file(
            file_id,
            ("READY",),
            file_state="ACTIVE",
            start_time=date(),
            transfer_host=HOST,
            log_file=log.url_path,
        )
        if not began:
            return
        self._store.settle(job_id)
        try:
            self._finish(file_id, await self._copy(file, job, log))
            log("FINISHED")
        except Failed as failed:
            log(f"FAILED: {failed}")
            self._fail(file_id, failed)
        except asyncio.CancelledError:
            log("ended by the user or with the service")
            raise

    async def _copy(self, file: Row, job: Row, log: TransferLog) -> Done:
        fault = self._faults.now
        if fault.concerns(file["source_surl"], file["dest_surl"]):
            raise _as_told(fault.reason)
        timeout = job["timeout"] or self._config.timeout
        transfer = self._made(file, job, log)
        await self._cleaner.until_clean(file["dest_surl"])
        file_id = file["file_id"]

        def note(copying: int) -> None:
            self._store.set_file(file_id, ("ACTIVE", "CANCELED"), copying=copying)

        try:
            async with asyncio.timeout(timeout):
                return await transfer.run(lambda: note(1))
        except Failed:
            note(0)  # it has cleaned up
            raise
        except (TimeoutError, asyncio.CancelledError) as ended:
            if self._store.file(file_id)["copying"] and not self._stopping:
                self._cleaner.begin(transfer, file)
            if isinstance(ended, asyncio.CancelledError):
                raise
            raise Failed("TRANSFER", errno.ETIMEDOUT, "Transfer timed out") from None

    def _made(self, file: Row, job: Row, log: TransferLog) -> Transfer:
        timeout = job["timeout"] or self._config.timeout
        wish, ca = wish_of(file, job), self._config.ca
        try:
            credential = self._credentials.of(job, file)
            return Transfer(self._session, wish, credential, ca, timeout, log)
        except LakecheckError as wrong:
            raise Failed("AGENT", errno.EIO, str(wrong)) from None

    def _clean_rests(self) -> None:
        """Remove what transfers left that were ended just before the service was."""
        for file in self._store.rests():
            job = self._store.jobs([file["job_id"]])[file["job_id"]]
            log = TransferLog(
                Path(self._config.logs), file["job_id"], file["file_id"], file["link"]
            )
            with contextlib.suppress(Failed):
                self._cleaner.begin(self._made(file, job, log), file)

    def _finish(self, file_id: int, done: Done) -> None:
        spent = max(done.seconds, 0.001)
        self._store.set_file(
            file_id,
            ("ACTIVE",),
            file_state="FINISHED",
            finish_time=date(),
            filesize=done.size,
            tx_duration=round(spent, 3),
            throughput=round(done.size / spent / 2**20, 6),
            reason=None,
            copying=0,
        )
        self._after(file_id, "FINISHED")

    def _fail(self, file_id: int, failed: Failed) -> None:
        file = self._store.file(file_id)
        job = self._store.jobs([file["job_id"]])[file["job_id"]]
        if failed.code not in _FINAL and file["retry"] < job["retry"]:
            again = time.time() + job["retry_delay"]
            self._store.set_file(
                file_id,
                file_state="SUBMITTED",
                reason=str(failed),
                retry=file["retry"] + 1,
                ready_at=again,
            )
            self._store.write(
                "INSERT INTO retries VALUES (?, ?, ?, ?)",
                *(file_id, file["retry"], date(), str(failed)),
            )
            self._queue.add(file["link"], again)
            self._store.settle(file["job_id"])
            return
        ended = {"file_state": "FAILED", "finish_time": date(), "reason": str(failed)}
        self._store.set_file(file_id, **ended)
        self._after(file_id, "FAILED")

    def _after(self, file_id: int, state: str) -> None:
        """Go on with the next hop, or the next replica, where there is one; settle the job."""
        file = self._store.file(file_id)
        job = self._store.jobs([file["job_id"]])[file["job_id"]]
        if job["job_finished"] is None and (job["job_type"], state) in _GOES_ON:
            query = "SELECT file_id, link FROM files WHERE job_id = ? AND file_state = 'NOT_USED'"
            for following in self._store.rows(f"{query} ORDER BY file_id LIMIT 1", job["job_id"]):
                now = time.time()
                changes = {"file_state": "SUBMITTED", "ready_at": now}
                self._store.set_file(following["file_id"], ("NOT_USED",), **changes)
                self._queue.add(following["link"], now)
        self._store.settle(job["job_id"])


def _as_told(reason: str) -> Failed:
    """Fail with the words of a fault, in FTS's form where they are not in it already."""
    failed = Failed("TRANSFER", errno.EIO, reason)
    scope, _, rest = reason.partition(" [")
    code, bracket, _ = rest.partition("] ")
    if scope in ("SOURCE", "DESTINATION", "TRANSFER", "AGENT") and bracket and code.isdecimal():
        failed = Failed(scope, int(code), rest.partition("] ")[2])
    return failed
