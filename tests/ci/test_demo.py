"""ci/demo as a newcomer runs it: all green, and nothing left behind, also after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LATEST = ROOT / "reports" / "latest"
LAKECHECK = Path(sys.executable).with_name("lakecheck")


def lake_is_up() -> bool:
    asked = subprocess.run([LAKECHECK, "lake", "status"], cwd=ROOT, capture_output=True, timeout=60)
    return asked.returncode == 0


@pytest.fixture(autouse=True)
def no_lake() -> None:
    """The demo uses a lake that is up already, and leaves it; here it shall have its own."""
    assert not lake_is_up(), "end the lake of this work tree first: lakecheck lake down"


def test_all_is_green_and_the_lake_ends() -> None:
    done = subprocess.run(
        [ROOT / "ci" / "demo"],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )

    lake = (ROOT / ".lake" / "supervisor.log").read_text()
    assert done.returncode == 0, done.stdout + done.stderr + lake
    for name in ("results.ndjson", "junit.xml", "report.html"):
        assert f"reports/latest/{name}\n" in done.stdout
        assert (LATEST / name).stat().st_size
    documents = [json.loads(line) for line in (LATEST / "results.ndjson").read_text().splitlines()]
    seen = Counter(one["status"] for one in documents if one["document"] == "result")
    planned = json.loads((LATEST / "plan.json").read_text())["checks"]
    assert seen.total() == len(planned)
    assert set(seen) <= {"passed", "skipped"}
    # Apache keeps no checksums: one check for each size has nothing to ask.
    assert {one["rse"] for one in documents if one["status"] == "skipped"} <= {"LAKE-APACHE"}
    assert not lake_is_up()


def test_ctrl_c_ends_the_lake_too() -> None:
    with subprocess.Popen(
        [ROOT / "ci" / "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        while not demo.stdout.readline().startswith("It runs until"):
            assert demo.poll() is None
        assert lake_is_up()
        os.killpg(demo.pid, signal.SIGINT)
        said = demo.stdout.read()
        code = demo.wait(timeout=120)

    assert code == 130, said
    assert "The lake has ended." in said
    assert not lake_is_up()
