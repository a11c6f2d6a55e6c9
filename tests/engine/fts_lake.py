"""A lake with FTS, specs whose copies go through it, and what is left of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakecheck.devlake import Lake
from tests.devlake.fts_client import ENDED, Fts
from tests.engine.runs import Document, by_address, lakecheck, write


def copies(lake: Lake, folder: Path, more: str = "", test: str = "", services: str = "") -> Path:
    """A spec that copies 1 kB over every link through FTS."""
    text = (
        f"lakecheck: 1\ninclude: [{lake.inventory}]\n{services}{more}"
        f"tests:\n  c: {{kind: tpc, via: fts, protocols: [davs], sizes: [1kB], {test}}}\n"
    )
    return write(folder, text)


def run(file: Path, out: Path, code: int, **more: Any) -> dict[str, Document]:
    """Run a spec; its documents by address."""
    done = lakecheck("run", file, "-o", out, cwd=file.parent, **more)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr + (out / "run.log").read_text()
    return by_address(out)


@contextmanager
def fault(lake: Lake, what: str, kind: str) -> Iterator[None]:
    """Something of a lake misbehaves for a while."""
    lake.fault(what, kind)
    try:
        yield
    finally:
        lake.fault(what, "none")


def on_storages(lake: Lake) -> list[Path]:
    """Files below the lakecheck folders of all RSEs."""
    return [
        file
        for rse in lake.rses
        for file in (lake.data_dir(rse) / "lakecheck").glob("**/*")
        if file.is_file()
    ]


def going_on(lake: Lake) -> list[dict[str, Any]]:
    """Jobs at FTS that have not ended."""
    status, jobs = Fts(lake).ask("GET", "/jobs")
    assert status == 200
    return [job for job in jobs if job["job_state"] not in ENDED]


def nothing_is_left(lake: Lake, within: float = 0.0) -> None:
    """Neither a file on any storage nor a job that goes on at FTS."""
    until = time.monotonic() + within
    while (on_storages(lake) or going_on(lake)) and time.monotonic() < until:
        time.sleep(0.1)
    assert on_storages(lake) == []
    assert going_on(lake) == []
