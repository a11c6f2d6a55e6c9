"""Copies through FTS: following many jobs against asking for each in turn; what waiting costs.

Asking in turn is what scripts do: submit all, then GET each job until all have ended, with a pause
between the rounds, with FTS's own client. The jobs wait in the queue of the lake's FTS and end
without a copy, since their source is missing: what is compared is the asking.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from measure import LAKECHECK, verdict

from lakecheck.devlake import Lake
from lakecheck.drivers import fts_library
from lakecheck.drivers.fts import ENDED, Copy, JobReport, Options, Submission
from lakecheck.drivers.fts_session import FTS
from lakecheck.model import NOBODY, ServiceChoice

SERVERS = ("LAKE-1", "LAKE-2", "LAKE-3")
PAUSE = 3.0  # seconds between the rounds of the loop
MB = 1_000_000


class Counted(FTS):
    """Our driver, with the questions about jobs counted."""

    questions = 0

    async def _ask(self, ids: Any, files: bool) -> list[JobReport]:
        self.questions += 1
        return await super()._ask(ids, files)


def jobs(lake: Lake, count: int) -> list[Submission]:
    """Jobs of one file each, whose source is missing."""
    here, there = lake.rses["LAKE-1"].davs, lake.rses["LAKE-2"].davs
    name = secrets.token_hex(4)
    return [
        Submission(
            f"{name}-{number}",
            (Copy(f"{here}/{name}-missing", f"{there}/{name}-{number}"),),
            metadata={"of": "benchmark"},
        )
        for number in range(count)
    ]


def busy(seconds: float) -> float:
    """Seconds of a core that this process has used, counted from `seconds`."""
    return time.process_time() - seconds


async def ours(lake: Lake, count: int, queue: float) -> tuple[int, float, float]:
    """Questions, wall time from the first submission, and share of a core while jobs wait."""
    fts = Counted(ServiceChoice("fts", "fts", Options(), url=lake.services["fts"]["plain"]), NOBODY)
    await fts.ready()
    began = time.perf_counter()
    ids = await asyncio.gather(*map(fts.submit, jobs(lake, count)))
    following = asyncio.gather(*map(fts.ended, ids))
    since, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(queue / 2)
    share = busy(cpu) / (time.perf_counter() - since)
    reports = await following
    took = time.perf_counter() - began
    await fts.close()
    assert {report.state for report in reports} == {"FAILED"}, "the queue was not waited for"
    return fts.questions, took, share


def in_turn(lake: Lake, count: int) -> tuple[int, float]:
    """The same with FTS's client alone: questions, and wall time."""
    fts_library.load()
    import fts3.rest.client.easy as fts3

    context = fts3.Context(lake.services["fts"]["plain"], str(lake.proxy), str(lake.proxy))
    fts3.delegate(context)
    began, questions = time.perf_counter(), 0
    waiting = [
        fts3.submit(
            context,
            fts3.new_job(
                [fts3.new_transfer(copy.source, copy.destination) for copy in job.copies],
                verify_checksum="both",
            ),
        )
        for job in jobs(lake, count)
    ]
    while waiting:
        questions += len(waiting)
        told = [(job_id, fts3.get_job_status(context, job_id)["job_state"]) for job_id in waiting]
        waiting = [job_id for job_id, state in told if state not in ENDED]
        if waiting:
            time.sleep(PAUSE)
    return questions, time.perf_counter() - began


def follow(lake: Lake, count: int, queue: float) -> None:
    """Compare both, one after the other, on jobs that wait as long."""
    lake.fault("fts", f"queue={queue}")
    asked, took, share = asyncio.run(ours(lake, count, queue))
    theirs, other = in_turn(lake, count)
    lake.fault("fts", "none")
    print(
        f"{count} jobs that wait {queue:g} s: lakecheck asked {asked} times and took {took:.1f} s; "
        f"one job at a time, {theirs} times and {other:.1f} s: {other / took:.1f} times as long"
    )
    ratio = theirs / asked
    verdict("requests in turn over lakecheck's", ratio, "at least 20", ratio >= 20)
    verdict("share of a core while jobs wait", share, "less than 0.1", share < 0.1)


def mesh(lake: Lake, file: Path, count: int) -> Path:
    """A spec whose RSEs are folders of three servers."""
    lines = "".join(
        f"    R{number}: {{endpoints: ['{lake.rses[SERVERS[number % 3]].davs}/r{number}']}}\n"
        for number in range(count)
    )
    file.write_text(
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n{lines}"
        f"services:\n  fts: {{kind: fts, url: '{lake.services['fts']['plain']}'}}\n"
        "tests:\n  mesh: {kind: tpc, via: fts, sizes: [100B], timeout: 1h}\n"
    )
    return file


def samples(process: subprocess.Popen[bytes], seconds: float) -> Iterator[int]:
    """Bytes of memory of a process, now and then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        yield psutil.Process(process.pid).memory_info().rss
        time.sleep(0.5)


def memory(lake: Lake, folder: Path, rses: int, lasts: float) -> None:
    """Run a full mesh whose jobs wait, see how large it becomes, and interrupt it."""
    lake.fault("fts", "queue=36000")
    spec, out = mesh(lake, folder / "mesh.lake.yaml", rses), folder / "mesh"
    environment = {**os.environ, "CI": "1"}
    with (folder / "said").open("wb") as said:
        command = [*LAKECHECK, "run", "-q", str(spec), "-o", str(out)]
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        largest = max(samples(process, lasts), default=0)
        assert process.poll() is None, (folder / "said").read_text()[-2000:]
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)  # who is in the background may ignore SIGINT
        process.wait(timeout=300)
    print(
        f"{rses * (rses - 1)} links through FTS; interrupted, the run ended within "
        f"{time.perf_counter() - began:.1f} s, with {left(lake)} jobs left at FTS"
    )
    lake.fault("fts", "none")
    verdict("MB of memory of the run", largest / MB, "less than 150", largest < 150 * MB)


def left(lake: Lake) -> int:
    """How many jobs go on at FTS."""

    async def ask() -> int:
        choice = ServiceChoice("fts", "fts", Options(), url=lake.services["fts"]["plain"])
        fts = FTS(choice, NOBODY)
        await fts.ready()
        found = await fts.unfinished()
        await fts.close()
        return len(found)

    return asyncio.run(ask())


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--queue", type=float, default=60.0, help="seconds that jobs wait")
    parser.add_argument("--rses", type=int, default=101, help="of the mesh")
    parser.add_argument("--lasts", type=float, default=60.0, help="seconds that the mesh runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=SERVERS, services=["fts"]) as lake:
            follow(lake, options.jobs, options.queue)
            memory(lake, folder, options.rses, options.lasts)


if __name__ == "__main__":
    main()
