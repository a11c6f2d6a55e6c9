"""Every benchmark works, at a size at which its figures mean nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = {
    "cycles.py": ["--endpoints", "4", "--sample", "2", "--turns", "1"],
    "planning.py": ["--cases", "200"],
    "collection.py": ["--collect", "50", "--run", "50"],
    "large.py": ["--size", "1MiB", "--rounds", "1"],
    "shipping.py": [
        *("--documents", "3000", "--sample", "20", "--rounds", "1"),
        *("--warm", "100", "--fills", "0,10", "--shipments", "2"),
    ],
    "convert.py": ["--cases", "200", "--turns", "1"],
    "publishing.py": ["--turns", "2"],
    "replication.py": ["--files", "2", "--turns", "1"],
    "transfers.py": ["--jobs", "20", "--queue", "3", "--rses", "4", "--lasts", "5"],
    "brokers.py": ["--broker", "activemq", "--documents", "500", "--turns", "1"],
}
PROMISES = {
    "cycles.py": 2,
    "planning.py": 2,
    "collection.py": 2,
    "large.py": 4,
    "shipping.py": 3,
    "convert.py": 4,
    "publishing.py": 2,
    "replication.py": 2,
    "transfers.py": 3,
    "brokers.py": 2,  # of each broker
}


@pytest.mark.parametrize("name", SMALL)
def test_it_measures_both_sides_and_says_what_came_of_its_promises(name: str) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / name, *SMALL[name]],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith(("met ", "MISSED"))]
    assert len(said) == PROMISES[name], done.stdout


def test_none_is_left_out() -> None:
    scripts = {file.name for file in BENCHMARKS.glob("*.py") if "__main__" in file.read_text()}

    assert scripts == set(SMALL)
