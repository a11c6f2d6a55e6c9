"""Interrupted runs: every planned check has its document, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import (
    by_address,
    gone,
    lakecheck,
    memory_rses,
    start,
    statuses,
    wait_for,
    workers_of,
    write,
)

DRIVER = "{name: memory, on: {B: {faults: {stat: hang}}}}"
HANGING = f"tests:\n  f: {{kind: functional, timeout: 5m, driver: {DRIVER}}}\n"


def begun(folder: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """A run that will not end by itself, once its first documents are there."""
    text = memory_rses("AB") + HANGING
    process = start("run", write(folder, text), "-o", out, *options, cwd=folder)
    wait_for(lambda: (out / "results.ndjson").exists() and len(lines(out)) >= 6)
    return process


def lines(out: Path) -> list[bytes]:
    return (out / "results.ndjson").read_bytes().splitlines()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_in_order(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out"
    process = begun(tmp_path, out)

    process.send_signal(number)
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 2, output + errors
    assert "stopping" in errors
    assert statuses(out) == {"passed": 7, "not_run": 3}
    found = by_address(out)
    assert found["f::B.davs.100B.stat"]["status"] == "not_run"
    assert found["f::B.davs.100B.delete"]["status"] == "passed"
    for name in ("junit.xml", "report.html", "run.log"):
        assert (out / name).exists()


def test_a_second_one_ends_it_at_once(pair: Lake, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    out = tmp_path / "out"
    text = f"lakecheck: 1\ninclude: [{pair.inventory}]\ntests:\n"
    text += "  f: {kind: functional, timeout: 5m, protocols: [davs]}\n"
    pair.fault("LAKE-2", "hang")  # clean-up will hang as well
    try:
        process = start(
            "run", write(tmp_path, text), "-o", out, cwd=tmp_path, TMPDIR=str(temporary)
        )
        wait_for(lambda: (out / "results.ndjson").exists() and len(lines(out)) >= 5)
        workers = workers_of(process.pid)

        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    finally:
        pair.fault("LAKE-2", "none")

    assert process.returncode == 2, output + errors
    assert "lakecheck close" in errors
    assert statuses(out) == {"passed": 5, "not_run": 5}
    assert workers
    assert gone(workers)
    assert list(temporary.iterdir()) == []
    ended = lakecheck("close", out, cwd=tmp_path)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert [file for rse in pair.rses for file in pair.data_dir(rse).glob("lakecheck/*")] == []


def test_what_was_interrupted_goes_on_with_resume(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = begun(tmp_path, out)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    again = lakecheck("run", "--resume", out, cwd=tmp_path)

    # Every check has its document already: an interruption is an end, too.
    assert again.returncode == 2
    assert statuses(out) == {"passed": 7, "not_run": 3}
