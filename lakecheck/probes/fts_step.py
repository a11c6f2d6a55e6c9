"""The step of a third-party-copy test that goes through FTS."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from lakecheck.drivers.fts import Copy, FileReport, JobReport, Submission, Verify
from lakecheck.drivers.fts_reasons import explain_file, explain_job
from lakecheck.drivers.fts_session import FTS, METADATA
from lakecheck.errors import DriverError, Missing, TimedOut
from lakecheck.model import Case
from lakecheck.probes.base import Measured, Tools
from lakecheck.probes.tpc import Options

LAST_LOOK = 3.0  # seconds for cancelling, and for seeing what had finished
GRACE = 60.0  # seconds after its deadline until a job counts as forgotten


async def copy(tools: Tools) -> Measured:
    """FTS copies all files of the link, and the destination is emptied."""
    fts: FTS = await tools.service()
    jobs = submissions(tools)
    ids: list[str] = []
    began = time.perf_counter()
    try:
        reports = await _all(tools, fts, jobs, ids)
    except asyncio.CancelledError:
        if not tools.late:
            raise
        return await _give_up(tools, fts, ids, time.perf_counter() - began)
    took = time.perf_counter() - began
    error = _error(reports, fts)
    measured = measure(tools.case, reports, fts, error, took)
    if error is None:
        await _empty(tools, jobs)
    return measured


def submissions(tools: Tools) -> list[Submission]:
    """Give the jobs of a case, each with its own files."""
    case, options = tools.case, tools.case.test.options
    verify, algorithm = verification(case)
    # Whoever finds the job after this moment may cancel it: nobody waits for it any more.
    until = round(time.time() + case.test.timeout + GRACE)
    key = tools.url.rpartition("/")[2]
    if verify in ("source", "target"):  # there is but one end, so it is compared with what was sent
        algorithm += f":{tools.payload.md5 if algorithm == 'MD5' else tools.payload.adler32}"
    own = {METADATA: {"check": f"{case.address}.copy", "name": key, "until": until}}
    return [
        Submission(
            key=f"{key}-{number}",
            copies=tuple(
                Copy(tools.seed, f"{tools.url}-{number}-{file}") for file in range(options.files)
            ),
            checksum=algorithm,
            verify=verify,
            overwrite=options.overwrite,
            retry=options.retry,
            priority=options.priority,
            activity=options.activity,
            bring_online=_seconds(options.bring_online),
            pin=_seconds(options.pin),
            longest=round(case.test.timeout) or 1,
            metadata={**options.metadata, **own},
            file_metadata={**options.file_metadata, **own},
        )
        for number in range(options.jobs)
    ]


def _seconds(duration: float | None) -> int | None:
    return None if duration is None else max(1, round(duration))


def verification(case: Case) -> tuple[Verify, str]:
    """What FTS shall compare, as far as both ends have checksums, and with which algorithm."""
    options: Options = case.test.options
    assert case.source is not None
    assert case.endpoint is not None
    having = {
        "source": case.source.checksum != "none",
        "target": case.endpoint.checksum != "none",
    }
    wanted = {"both": ("source", "target"), "none": ()}.get(options.checksum, (options.checksum,))
    got = [end for end in wanted if having[end]]
    told = {case.source.checksum, case.endpoint.checksum}
    algorithm = "MD5" if "md5" in told and "adler32" not in told else "ADLER32"
    return ("both" if len(got) == 2 else got[0] if got else "none"), algorithm  # type: ignore[return-value]


async def _all(
    tools: Tools, fts: FTS, jobs: Sequence[Submission], ids: list[str]
) -> list[JobReport]:
    """Submit all jobs and wait for their ends; where one cannot be submitted, no other is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_one(tools, fts, job, ids)) for job in jobs]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


async def _one(tools: Tools, fts: FTS, job: Submission, ids: list[str]) -> JobReport:
    """Submit one job and wait for its end; the ledger knows of it before FTS does."""
    for copied in job.copies:
        tools.creating(copied.destination)
    known = fts.job_id(job.key)
    if known:
        ids.append(known)
        tools.creating_at("job", known)
    job_id = await fts.submit(job)
    if job_id != known:
        ids.append(job_id)
        tools.creating_at("job", job_id)
    report = await fts.ended(job_id)
    tools.removed_at("job", job_id)
    return report


async def _give_up(tools: Tools, fts: FTS, ids: Sequence[str], waited: float) -> Measured:
    """Cancel what runs, and tell what had finished until then."""
    reports: Mapping[str, JobReport] = {}
    with contextlib.suppress(TimeoutError, DriverError):
        # asyncio.timeout does not know its own end in a task that is cancelled (Python 3.11.2).
        reports = await asyncio.wait_for(fts.cancel(ids), LAST_LOOK)
    for job_id, report in reports.items():
        if not report.lost:  # one that it does not know yet may be on its way there
            tools.removed_at("job", job_id)
    told, limit = list(reports.values()), tools.case.test.timeout
    measured = measure(tools.case, told, fts, _late(tools.case, fts, told), limit)
    if any(job.submitted is not None for job in told):
        # Where nothing was begun, FTS has no time of its own to tell.
        measured.measures = {"queue_time": waited, **measured.measures}
    return measured


def _late(case: Case, fts: FTS, reports: Sequence[JobReport]) -> DriverError | None:
    """Say what was not finished in time; None where all was, which was seen only now."""
    limit = f"{case.test.timeout:g}s, the time of the whole case"
    files = [file for job in reports for file in job.files]
    if len(files) == case.files and all(job.state == "FINISHED" for job in reports):
        return None
    if not files:
        if fts.silence is not None:
            error = fts.silence
            told = f"{error.message} (for so long that {limit}, was over)"
            return type(error)(told, code=error.code, side=error.side, phase=error.phase)
        return TimedOut(f"FTS took no job within {limit}", side="service", phase="queue")
    finished = sum(file.state == "FINISHED" for file in files)
    begun = any(file.started is not None for file in files)
    where = "transfer" if begun else "queue"
    doing = "were still being copied or waited" if begun else "still waited in FTS's queue"
    told = f"{finished} of {len(files)} files were finished within {limit}; the others {doing}"
    return TimedOut(told, side="transfer" if begun else "service", phase=where)


def _error(reports: Sequence[JobReport], fts: FTS) -> DriverError | None:
    """Give the error of the first file that did not finish, saying how many there were."""
    files = [file for job in reports for file in job.files]
    bad = [file for file in files if file.state != "FINISHED"]
    if bad:
        error = explain_file(bad[0], fts.credential)
        if len(files) > 1:
            told = f"{len(bad)} of {len(files)} files did not finish; the first: {error.message}"
            error.message, error.args = told, (told,)
        return error
    job = next((job for job in reports if job.lost or job.state != "FINISHED"), None)
    return explain_job(job, fts.choice.url) if job else None


def measure(
    case: Case, reports: Sequence[JobReport], fts: FTS, error: DriverError | None, took: float
) -> Measured:
    """Add up what FTS tells of its jobs: times are FTS's own, of one clock."""
    files = [file for job in reports for file in job.files]
    done = [file for file in files if file.state == "FINISHED"]
    moved = sum(file.size or case.size for file in done)
    measures: dict[str, Any] = {
        "job.id": [job.id for job in reports] if len(reports) != 1 else reports[0].id,
        "state": _state(reports),
        "failed": case.files - len(done),
        **_times(reports, files),
    }
    if fts.options.monitor and reports:
        measures["job.url"] = f"{fts.options.monitor.rstrip('/')}/#/job/{reports[0].id}"
    bad = [file for file in files if file.state != "FINISHED"]
    measures["reasons"] = list(dict.fromkeys(file.reason for file in bad if file.reason))
    # Of each that did not finish; else of one, since a link may be of very many files.
    measures["logs"] = [file.log for file in bad or files[:1] if file.log]
    verify, algorithm = verification(case)
    if error is None:
        measures["verified"] = "size" if verify == "none" else algorithm.lower()
    lasted = measures.get("transfer_time")
    return Measured(
        bytes=moved,
        files=len(done),
        duration=took,
        throughput=moved / lasted if moved and lasted else None,
        measures={name: value for name, value in measures.items() if value not in (None, [], "")},
        error=error,
    )


def _state(reports: Sequence[JobReport]) -> str:
    states = {job.state for job in reports}
    return states.pop() if len(states) == 1 else "FINISHEDDIRTY" if states else ""


def _times(reports: Sequence[JobReport], files: Sequence[FileReport]) -> dict[str, float]:
    submitted = [job.submitted for job in reports if job.submitted is not None]
    started = [file.started for file in files if file.started is not None]
    finished = [file.finished for file in files if file.finished is not None and file.started]
    staged = [file.staged for file in files if file.staged is not None]
    found: dict[str, float] = {}
    if submitted and started:
        found["queue_time"] = max(0.0, min(started) - min(submitted))
    if started and finished:
        # FTS tells moments in whole seconds, and of each copy alone how long it took.
        longest = max((file.took or 0.0 for file in files), default=0.0)
        found["transfer_time"] = max(max(finished) - min(started), longest)
    if staged:
        found["staging_time"] = max(staged)
    return found


async def _empty(tools: Tools, jobs: Sequence[Submission]) -> None:
    """Remove all copies: that one is missing is a broken promise, as FTS said that it is there."""
    urls = [each.destination for job in jobs for each in job.copies]
    outcomes = await asyncio.gather(
        *(tools.storage.delete(url) for url in urls), return_exceptions=True
    )
    for url, outcome in zip(urls, outcomes, strict=True):
        if outcome is None or isinstance(outcome, Missing):
            tools.removed(url)
    for outcome in outcomes:
        if isinstance(outcome, Missing):
            told = "FTS said that it was copied and verified, yet the file is not there"
            raise Missing(told, side="destination")
        if isinstance(outcome, DriverError):
            outcome.message = f"copied, but the destination could not be emptied: {outcome.message}"
            outcome.args = (outcome.message,)
            outcome.side, outcome.phase = "destination", "cleanup"
        if isinstance(outcome, BaseException):
            raise outcome
