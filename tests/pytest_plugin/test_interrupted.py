"""Whoever ends pytest, every planned check has its document, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakecheck.documents import read
from tests.pytest_plugin.conftest import Bench


def wait_for_documents(folder: Path, number: int) -> None:
    until = time.monotonic() + 60
    while len(list(read(folder))) < number:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["serial", "xdist"])
def test_a_signal(bench: Bench, number: signal.Signals, workers: list[str]) -> None:
    bench.spec("on: {BETA: {faults: {upload: hang}}}")
    text = (
        (bench.folder / "specs/demo.lake.yaml").read_text().replace("timeout: 2s", "timeout: 60s")
    )
    (bench.folder / "specs/demo.lake.yaml").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--reports", "out", "specs", *workers],
        cwd=bench.folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for_documents(bench.folder / "out", 10)
    process.send_signal(number)
    told, _ = process.communicate(timeout=60)

    assert process.returncode == 2, told
    statuses = bench.statuses()
    assert len(statuses) == 17
    assert statuses["store::BETA.davs.100B.upload"] == "not_run"
    assert (bench.folder / "out/report.html").exists()
    assert (bench.folder / "out/junit.xml").exists()
    assert not (bench.folder / "out/engine.sock").exists()
