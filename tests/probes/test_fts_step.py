"""What a link becomes at FTS, and what FTS's reports become in a document."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lakecheck import plan
from lakecheck.drivers.base import Payload
from lakecheck.drivers.fts import FileReport, JobReport, Options
from lakecheck.drivers.fts_session import METADATA
from lakecheck.errors import DriverError, Missing, ProtocolError, Unreachable
from lakecheck.model import NOBODY, Case
from lakecheck.probes import fts_step
from lakecheck.probes.base import Measured, Tools
from lakecheck.probes.fts_step import measure, submissions, verification
from lakecheck.spec import load

SPEC = """lakecheck: 1
inventory:
  rses:
    A: {{endpoints: ['davs://a.example.org:443/x'], checksum: {a}}}
    B: {{endpoints: ['davs://b.example.org:443/y'], checksum: {b}}}
services:
  fts: {{kind: fts, url: 'https://fts.example.org:8446'}}
tests:
  c: {{kind: tpc, via: fts, sizes: [1kB], timeout: 90s, {more}}}
"""


def case_of(folder: Path, a: str = "auto", b: str = "auto", more: str = "files: 1") -> Case:
    """The link A → B of a spec."""
    file = folder / "t.lake.yaml"
    file.write_text(SPEC.format(a=a, b=b, more=more))
    return next(case for case in plan.expand(load([file])) if case.place == "A~B")


class Noted:
    """Tools that only note what they are told."""

    def __init__(self, case: Case, fts: Any = None) -> None:
        self.case = case
        self.url = "davs://b.example.org:443/y/lakecheck/RUN-0123"
        self.seed = "davs://a.example.org:443/x/lakecheck/RUN-seed"
        self.payload = Payload("/tmp/x", 1000, "0a0b0c0d", "d41d")
        self.late = False
        self.noted: list[str] = []
        self.storage = SimpleNamespace(delete=self._delete)
        self.missing: tuple[str, ...] = ()
        self._fts = fts

    async def service(self) -> Any:
        return self._fts

    async def _delete(self, url: str) -> None:
        if url.endswith(self.missing or "nothing"):
            raise Missing("gone")
        self.noted.append(f"deleted {url.rpartition('/')[2]}")

    def creating(self, url: str = "") -> None:
        self.noted.append(f"creating {url.rpartition('/')[2]}")

    def creating_at(self, sort: str, name: str) -> None:
        self.noted.append(f"creating {sort} {name}")

    def removed(self, url: str = "") -> None:
        self.noted.append(f"removed {url.rpartition('/')[2]}")

    def removed_at(self, sort: str, name: str) -> None:
        self.noted.append(f"removed {sort} {name}")


class FakeFTS:
    """Takes jobs and ends them as told."""

    def __init__(self, **reports: JobReport | DriverError) -> None:
        self.options = Options()
        self.credential = NOBODY
        self.choice = SimpleNamespace(url="https://fts.example.org:8446")
        self.silence: DriverError | None = None
        self.reports = reports
        self.cancelled: list[str] = []
        self.deaf = False

    def job_id(self, key: str) -> str:
        return f"id{key[-1]}"

    async def submit(self, job: Any) -> str:
        report = self.reports[self.job_id(job.key)]
        if isinstance(report, DriverError):
            raise report
        return self.job_id(job.key)

    async def ended(self, job_id: str) -> JobReport:
        report = cast(JobReport, self.reports[job_id])
        if not report.ended:
            await asyncio.Event().wait()
        return report

    async def cancel(self, ids: Any) -> dict[str, JobReport]:
        self.cancelled += ids
        if self.deaf:
            await asyncio.Event().wait()
        return {name: cast(JobReport, self.reports[name]) for name in ids}


def file(state: str = "FINISHED", **more: Any) -> FileReport:
    return FileReport(state, "davs://a.example.org/1", "davs://b.example.org/1", **more)


def job(state: str = "FINISHED", *files: FileReport, name: str = "id0", **more: Any) -> JobReport:
    return JobReport(name, state, files=files or (file(),), **more)


def as_tools(noted: Noted) -> Tools:
    return cast(Tools, noted)


def test_a_link_is_jobs_of_files_with_all_that_the_spec_says(tmp_path: Path) -> None:
    more = (
        "files: 3, jobs: 2, overwrite: true, retry: 2, priority: 5, activity: Tests, pin: 90s,"
        " bring_online: 2m, metadata: {who: me, lakecheck: x}, file_metadata: {n: 1}"
    )

    first, second = submissions(as_tools(Noted(case_of(tmp_path, more=more))))

    assert (first.key, second.key) == ("RUN-0123-0", "RUN-0123-1")
    copies = [*first.copies, *second.copies]
    assert len({copy.destination for copy in copies}) == 6
    assert {copy.source for copy in copies} == {Noted(case_of(tmp_path)).seed}
    assert (first.overwrite, first.retry, first.priority, first.activity) == (True, 2, 5, "Tests")
    assert (first.bring_online, first.pin, first.longest) == (120, 90, 90)
    assert first.metadata["who"] == "me"
    own = first.metadata[METADATA]  # ours, whatever the spec calls so
    assert (own["check"], own["name"]) == ("c::A~B.davs.1kB.copy", "RUN-0123")
    assert first.file_metadata == {"n": 1, METADATA: own}


@pytest.mark.parametrize(
    ("asked", "a", "b", "verify", "algorithm"),
    [
        ("both", "auto", "auto", "both", "ADLER32"),
        ("both", "md5", "md5", "both", "MD5"),
        ("both", "md5", "adler32", "both", "ADLER32"),
        ("both", "adler32", "none", "source", "ADLER32:0a0b0c0d"),
        ("both", "none", "md5", "target", "MD5:d41d"),
        ("both", "none", "none", "none", "ADLER32"),
        ("source", "auto", "auto", "source", "ADLER32:0a0b0c0d"),
        ("target", "auto", "none", "none", "ADLER32"),
        ("none", "auto", "auto", "none", "ADLER32"),
    ],
)
def test_what_is_compared_is_what_both_ends_have(
    tmp_path: Path, asked: str, a: str, b: str, verify: str, algorithm: str
) -> None:
    case = case_of(tmp_path, a, b, f"checksum: {asked}")

    (made,) = submissions(as_tools(Noted(case)))

    assert (made.verify, made.checksum) == (verify, algorithm)
    assert verification(case)[0] == verify


def measured(case: Case, *reports: JobReport) -> Measured:
    fts = FakeFTS()
    error = fts_step._error(reports, fts)  # type: ignore[arg-type]
    return measure(case, reports, fts, error, 12.5)  # type: ignore[arg-type]


def test_times_are_those_of_ftss_own_clock(tmp_path: Path) -> None:
    case = case_of(tmp_path, more="files: 2")
    files = (
        file(size=1000, started=110.0, finished=112.0, took=1.5, staged=7.0),
        file(size=1000, started=111.0, finished=115.0, took=4.0, staged=3.0),
    )

    told = measured(case, job("FINISHED", *files, submitted=100.0))

    assert told.error is None
    assert (told.bytes, told.files, told.duration, told.throughput) == (2000, 2, 12.5, 400.0)
    assert told.measures["queue_time"] == 10.0
    assert told.measures["transfer_time"] == 5.0
    assert told.measures["staging_time"] == 7.0
    assert (told.measures["state"], told.measures["failed"]) == ("FINISHED", 0)
    assert told.measures["verified"] == "adler32"


def test_a_copy_within_a_second_lasted_what_it_says_itself(tmp_path: Path) -> None:
    quick = file(size=1000, started=110.0, finished=110.0, took=0.25)

    told = measured(case_of(tmp_path), job("FINISHED", quick, submitted=110.0))

    assert (told.measures["queue_time"], told.measures["transfer_time"]) == (0.0, 0.25)
    assert told.throughput == 4000


def test_finisheddirty_is_split_by_file(tmp_path: Path) -> None:
    case = case_of(tmp_path, more="files: 2, jobs: 2")
    gone = "SOURCE [2] No such file or directory"
    reports = (
        job("FINISHEDDIRTY", file(size=1000), file("FAILED", reason=gone, log="https://log/1")),
        job("FINISHED", file(size=1000), file(size=1000), name="id1"),
    )

    told = measured(case, *reports)

    assert (told.files, told.bytes, told.measures["failed"]) == (3, 3000, 1)
    assert told.measures["state"] == "FINISHEDDIRTY"
    assert told.measures["job.id"] == ["id0", "id1"]
    assert told.measures["reasons"] == [gone]
    assert told.measures["logs"] == ["https://log/1"]
    assert "verified" not in told.measures
    assert told.error is not None
    assert (told.error.error_class, told.error.side) == ("missing", "source")
    assert told.error.message == f"1 of 4 files did not finish; the first: {gone}"


def test_a_job_without_files_is_told_of(tmp_path: Path) -> None:
    told = measured(case_of(tmp_path), JobReport("id0", "FAILED", "no link"))

    assert told.error is not None
    assert "no link" in told.error.message
    assert told.measures["failed"] == 1


@pytest.fixture(scope="module")
def any_case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of(tmp_path_factory.mktemp("case"))


moments = st.none() | st.floats(0, 1e9)


@given(
    st.lists(st.builds(file, st.sampled_from(["FINISHED", "FAILED"]), size=st.integers(0, 10**9),
                       started=moments, finished=moments, took=st.none() | st.floats(0, 1e5))),
    moments,
)  # fmt: skip
def test_no_time_is_negative_and_every_file_is_counted(
    any_case: Case, files: list[FileReport], submitted: float | None
) -> None:
    case = structs.replace(any_case, files=len(files))

    told = measured(case, JobReport("id0", "FINISHED", submitted=submitted, files=tuple(files)))

    times = [told.measures.get(f"{name}_time", 0.0) for name in ("queue", "transfer", "staging")]
    assert min(times) >= 0
    assert told.files is not None
    assert told.files + told.measures["failed"] == len(files)


def test_the_destination_is_emptied_after_success(tmp_path: Path) -> None:
    noted = Noted(case_of(tmp_path, more="files: 2"), FakeFTS(id0=job("FINISHED", file(), file())))

    told = asyncio.run(fts_step.copy(as_tools(noted)))

    assert told.error is None
    assert noted.noted[:3] == [
        "creating RUN-0123-0-0",
        "creating RUN-0123-0-1",
        "creating job id0",
    ]
    assert set(noted.noted[3:]) == {
        "removed job id0",
        *(f"{what} RUN-0123-0-{n}" for what in ("deleted", "removed") for n in (0, 1)),
    }


def test_a_copy_that_is_not_there_breaks_the_destinations_promise(tmp_path: Path) -> None:
    noted = Noted(case_of(tmp_path), FakeFTS(id0=job()))
    noted.missing = ("RUN-0123-0-0",)

    with pytest.raises(Missing, match="yet the file is not there") as told:
        asyncio.run(fts_step.copy(as_tools(noted)))

    assert told.value.side == "destination"


def test_where_one_job_is_refused_no_other_is_waited_for(tmp_path: Path) -> None:
    fts = FakeFTS(id0=job("ACTIVE"), id1=ProtocolError("refused", code=400, side="service"))
    noted = Noted(case_of(tmp_path, more="jobs: 2"), fts)

    with pytest.raises(ProtocolError, match="refused"):
        asyncio.run(asyncio.wait_for(fts_step.copy(as_tools(noted)), 5))

    assert "creating job id0" in noted.noted  # the clean-up finds it in the ledger
    assert "removed job id0" not in noted.noted


@pytest.mark.parametrize(
    ("reports", "words", "phase", "side"),
    [
        ([file("CANCELED")], "0 of 1 files were finished within 90s", "queue", "service"),
        (
            [file("CANCELED", started=5.0)],
            "the others were still being copied",
            "transfer",
            "transfer",
        ),
    ],
)
def test_at_the_deadline_what_runs_is_cancelled(
    tmp_path: Path, reports: list[FileReport], words: str, phase: str, side: str
) -> None:
    told, fts = late(tmp_path, job("CANCELED", *reports))

    assert fts.cancelled == ["id0"]
    assert told.error is not None
    assert words in told.error.message
    assert (told.error.error_class, told.error.phase, told.error.side) == ("timeout", phase, side)


def test_what_still_waits_at_the_deadline_has_waited_so_long(tmp_path: Path) -> None:
    told, _ = late(tmp_path, job("CANCELED", file("CANCELED"), submitted=100.0))
    begun, _ = late(tmp_path, job("CANCELED", file("CANCELED", started=107.0), submitted=100.0))

    assert 0.05 <= told.measures["queue_time"] < 5
    assert begun.measures["queue_time"] == 7.0


def late(folder: Path, at_last: JobReport, fts_silence: DriverError | None = None) -> Any:
    """A copy whose time ends while its job waits; then FTS tells this."""
    fts = FakeFTS(id0=job("ACTIVE"))
    fts.silence = fts_silence
    fts.deaf = at_last.lost
    noted = Noted(case_of(folder), fts)

    async def whole() -> Measured:
        task = asyncio.create_task(fts_step.copy(as_tools(noted)))
        await asyncio.sleep(0.05)
        noted.late, fts.reports["id0"] = True, at_last
        async with asyncio.timeout(0):  # as the engine ends it
            return await task
        raise AssertionError("it was not told that its time is over")

    return asyncio.run(whole()), fts


def test_what_had_finished_when_it_was_looked_at_last_has_passed(tmp_path: Path) -> None:
    told, _ = late(tmp_path, job("FINISHED", file(size=1000)))

    assert told.error is None
    assert (told.files, told.bytes) == (1, 1000)


def test_an_fts_that_was_silent_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fts_step, "LAST_LOOK", 0.2)
    away = Unreachable("FTS at x: Connection refused", side="service", phase="connect")

    told, _ = late(tmp_path, JobReport("id0", "", lost=True), away)

    assert told.error is not None
    assert (told.error.error_class, told.error.side) == ("unreachable", "service")
    assert "for so long that 90s" in told.error.message


def test_an_interruption_is_no_result(tmp_path: Path) -> None:
    noted = Noted(case_of(tmp_path), FakeFTS(id0=job("ACTIVE")))

    async def whole() -> None:
        task = asyncio.create_task(fts_step.copy(as_tools(noted)))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(whole())
