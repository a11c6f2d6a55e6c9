"""An FTS at work for one run: jobs submitted concurrently, followed in bulk, ended with the run."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakecheck.drivers import fts_library
from lakecheck.drivers.base import Leftover
from lakecheck.drivers.fts import UNFINISHED, JobReport, Options, Submission
from lakecheck.drivers.fts_answers import job_report
from lakecheck.drivers.fts_follow import BATCH, Follower
from lakecheck.drivers.patience import Patience
from lakecheck.drivers.together import Together
from lakecheck.errors import BadCredential, DriverError, TesterFailed
from lakecheck.model import Credential, ServiceChoice

if TYPE_CHECKING:
    from lakecheck.drivers.fts_client import Client

log = logging.getLogger("lakecheck.drivers")
AT_ONCE = 8  # requests
OPENING = 30.0  # seconds that an FTS has to answer for the first time
METADATA = "lakecheck"  # key of a job's metadata that says whose it is
MISSING = (
    "the FTS client is not installed: pip install 'lakecheck[fts]' "
    "(it builds M2Crypto; Debian: apt-get install swig libssl-dev python3-dev gcc)"
)


class FTS:
    """One FTS and credential; every call raises a DriverError and nothing else."""

    def __init__(self, choice: ServiceChoice, credential: Credential) -> None:
        self.choice = choice
        self.credential = credential
        self.options: Options = choice.options
        self._patience = Patience(choice.name, AT_ONCE)
        self._opening = asyncio.Lock()
        self._delegating = asyncio.Lock()
        self._delegations = 0
        self._client: Client | None = None
        self._follower = Follower(self._ask)
        self._ending = Together(self._end, BATCH)

    async def ready(self) -> None:
        """Wait until it has answered once, and has a proxy of ours where it needs one."""
        async with self._opening:
            if self._client is None:
                opened = await self._patience.within(OPENING, self._open, self.choice.url)
                self._client = opened

    def _open(self) -> Client:
        try:
            fts_library.load()
            from lakecheck.drivers.fts_client import Client
        except ImportError:
            raise TesterFailed(MISSING) from None
        client = Client(self.choice, self.credential, AT_ONCE)
        client.delegate()
        return client

    def job_id(self, key: str) -> str:
        """Give the id that a job will have; empty where FTS chooses it."""
        assert self._client is not None
        return self._client.id_of(key)

    async def submit(self, job: Submission) -> str:
        """Submit a job, again and again where FTS is busy or away; give its id."""
        try:
            return await self._submitted(job)
        except BadCredential as error:
            if error.code != 419:
                raise
        await self._delegate_again()
        return await self._submitted(job)

    async def _submitted(self, job: Submission) -> str:
        """Submit; what FTS takes after its case was given up is cancelled at once."""
        assert self._client is not None
        client, given_up = self._client, threading.Event()

        def submit() -> str:
            job_id = client.id_of(job.key)
            try:
                job_id = client.submit(job)
                return job_id
            finally:
                if given_up.is_set() and job_id:
                    client.cancel([job_id])

        try:
            return await self._patience.patiently(submit)
        except asyncio.CancelledError:
            given_up.set()
            raise

    async def _delegate_again(self) -> None:
        """Delegate anew, once for all who were told that it is needed."""
        before = self._delegations
        async with self._delegating:
            if self._delegations == before:
                await self._call("delegate", True)
                self._delegations += 1

    async def ended(self, job_id: str) -> JobReport:
        """Wait for the end of a job, however long it takes."""
        return await self._follower.ended(job_id)

    async def cancel(self, ids: Sequence[str]) -> dict[str, JobReport]:
        """Cancel jobs, and give what became of them."""
        reports = await asyncio.gather(*map(self._ending.of, ids))
        return dict(zip(ids, reports, strict=True))

    async def _end(self, ids: Sequence[str]) -> dict[str, JobReport]:
        await self._call("cancel", ids)
        told = {job.id: job for job in await self._ask(ids, True)}
        # What it leaves out of its answer it does not know.
        return {each: told.get(each) or JobReport(each, "", lost=True) for each in ids}

    async def unfinished(self, run_id: str = "") -> list[Leftover]:
        """Give the jobs that runs of lakecheck submitted with this credential and that go on."""
        jobs = []
        for told in await self._once("mine", UNFINISHED):
            metadata = told.get("job_metadata")
            own = metadata.get(METADATA) if isinstance(metadata, dict) else None
            if isinstance(own, dict) and isinstance(own.get("until"), int | float):
                key = str(own.get("name", ""))
                jobs.append(Leftover("job", str(told["job_id"]), key, own["until"]))
        return [job for job in jobs if not run_id or job.of(run_id)]

    async def undo(self, sort: str, name: str) -> None:
        """End what a run created here: a job."""
        await self.ready()
        await self._ending.of(name)

    @property
    def silence(self) -> DriverError | None:
        """Why it does not answer at the moment, if it does not."""
        return self._patience.trouble or self._follower.trouble

    async def _ask(self, ids: Sequence[str], files: bool) -> list[JobReport]:
        told = await self._once("jobs", ids, files)
        return [job_report(each, self.options.logs) for each in told]

    async def _call(self, name: str, *arguments: Any) -> Any:
        return await self._patience.patiently(lambda: getattr(self._client, name)(*arguments))

    async def _once(self, name: str, *arguments: Any) -> Any:
        return await self._patience.once(lambda: getattr(self._client, name)(*arguments))

    async def close(self) -> None:
        """Follow nothing any more, and end all connections."""
        await self._follower.close()
        await self._ending.close()
        self._patience.close()
        if self._client is not None:
            self._client.close()
