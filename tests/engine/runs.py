"""Runs of `lakecheck` in processes of their own, and what their folders hold."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from lakecheck.devlake import Lake

LAKECHECK = str(Path(sys.executable).with_name("lakecheck"))
Document = dict[str, Any]
_started: list[subprocess.Popen[str]] = []


def memory_rses(names: Iterable[str], more: str = "") -> str:
    """An inventory of RSEs of their own, for the memory driver."""
    lines = "".join(
        f"    {name}: {{endpoints: ['davs://{name.lower()}.example.org:443/lake']{more}}}\n"
        for name in names
    )
    return f"lakecheck: 1\ninventory:\n  rses:\n{lines}"


def write(folder: Path, text: str, name: str = "t") -> Path:
    """Write a spec."""
    file = folder / f"{name}.lake.yaml"
    file.write_text(text)
    return file


def scratch(cwd: Path, more: dict[str, str]) -> dict[str, str]:
    """An environment whose local files lie in a test's own folder, even after kill -9."""
    folder = cwd / ".tmp"
    folder.mkdir(exist_ok=True)
    return environment(**({"TMPDIR": str(folder)} | more))


def environment(**more: str) -> dict[str, str]:
    """The tests' own environment without what CI sets."""
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "LAKECHECK_RUN")}
    return kept | {"COLUMNS": "200"} | more


def start(*arguments: object, cwd: Path, **more: str) -> subprocess.Popen[str]:
    """Start `lakecheck …`; what a test leaves of it is ended by `end_all`."""
    process = subprocess.Popen(
        [LAKECHECK, *map(str, arguments)],
        cwd=cwd,
        env=scratch(cwd, more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _started.append(process)
    return process


def end_all() -> None:
    """End what a failed test has left running."""
    while _started:
        process = _started.pop()
        process.kill()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        process.wait()


def lakecheck(
    *arguments: object, cwd: Path, timeout: float = 90, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `lakecheck …` to its end."""
    return subprocess.run(
        [LAKECHECK, *map(str, arguments)],
        cwd=cwd,
        env=scratch(cwd, more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def documents(folder: Path) -> list[Document]:
    """Every line of a run's journal; each must be whole."""
    text = (folder / "results.ndjson").read_text()
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def address(document: Mapping[str, Any]) -> str:
    """Address of a document's check."""
    return f"{document['test']}::{document['case']}.{document['check']}"


def planned(folder: Path) -> list[str]:
    """Addresses in plan.json."""
    checks: list[str] = json.loads((folder / "plan.json").read_text())["checks"]
    return checks


def by_address(folder: Path) -> dict[str, Document]:
    """Documents by check, after having seen that each planned one has exactly one."""
    found = documents(folder)
    counts = Counter(map(address, found))
    assert [name for name, count in counts.items() if count > 1] == []
    assert sorted(counts) == sorted(planned(folder))
    assert len({each["_id"] for each in found}) == len(found)
    return {address(each): each for each in found}


def statuses(folder: Path) -> Counter[str]:
    """How many documents have which status."""
    return Counter(each["status"] for each in by_address(folder).values())


def seconds(folder: Path) -> float:
    """From the run's start to its last document."""
    found = documents(folder)
    ends = [datetime.fromisoformat(each["@timestamp"]) for each in found]
    return (max(ends) - datetime.fromisoformat(found[0]["run.started"])).total_seconds()


def plant(lake: Lake, server: int, run: str, rse: str = "LAKE-REDIR") -> Path:
    """Leave a file of a run on one of an RSE's data servers, as its owner."""
    folder = lake.data_dir(rse, server) / "lakecheck"
    status = folder.parent.stat()
    folder.mkdir(exist_ok=True)
    file = folder / f"{run}-{secrets.token_hex(8)}"
    file.write_bytes(b"left")
    for each in (folder, file):
        os.chown(each, status.st_uid, status.st_gid)
    return file


def workers_of(pid: int) -> list[psutil.Process]:
    """Worker processes that a run has now."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "lakecheck.drivers.worker" in process.cmdline()
    except psutil.Error:
        return False


def gone(processes: Iterable[psutil.Process], within: float = 10.0) -> bool:
    """Whether all have ended (a zombie has) within that many seconds."""
    until = time.monotonic() + within
    left = list(processes)
    while left and time.monotonic() < until:
        left = [each for each in left if _lives(each)]
        time.sleep(0.05)
    return not left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Any, within: float = 30.0) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)
