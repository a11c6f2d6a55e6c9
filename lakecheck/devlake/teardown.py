"""Ends a lake from outside, also one whose supervisor was killed."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

from lakecheck.devlake.layout import clear
from lakecheck.devlake.record import LakeRecord, read_record

END_WITHIN = 10.0  # s


def end(folder: Path) -> bool:
    """End the lake of a folder and say whether there was one."""
    record = read_record(folder)
    if record is None:
        return False
    supervisor = record.supervisor.running()
    if supervisor is not None:
        supervisor.terminate()
        _await_end(supervisor)
    _end_left_servers(record)
    clear(folder, Path(record.home), Path(record.run))
    return True


def _await_end(supervisor: psutil.Process) -> None:
    deadline = time.monotonic() + END_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):
            if supervisor.is_running() and supervisor.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.02)
                continue
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        supervisor.kill()


def _end_left_servers(record: LakeRecord) -> None:
    """Kill what still runs: recorded processes, and any that works in the lake's run folder."""
    left = [server.process.running() for server in record.servers if server.process]
    found = {process.pid: process for process in left if process is not None}
    for process in psutil.process_iter(["cmdline"]):
        if any(record.run in part for part in process.info["cmdline"] or ()):
            found[process.pid] = process
    for process in found.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(list(found.values()), timeout=2)
