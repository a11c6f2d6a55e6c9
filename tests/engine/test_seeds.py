"""Seeds: uploaded once, named by no check, removed whatever became of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.runs import by_address, lakecheck, memory_rses, write


def entries(folder: Path) -> tuple[set[str], set[str]]:
    """URLs that the ledger says were created, and those that are gone."""
    lines = [json.loads(line) for line in (folder / "created.ndjson").read_text().splitlines()]
    gone = {line["url"] for line in lines if line.get("gone")}
    return {line["url"] for line in lines if not line.get("gone")}, gone


@pytest.mark.parametrize("fault", ["full", "unreachable", "denied", "hang", "crash", "tls"])
def test_a_seed_that_fails_is_accounted_for_in_the_ledger(tmp_path: Path, fault: str) -> None:
    driver = f"{{name: memory, on: {{A: {{faults: {{upload: {fault}}}}}}}}}"
    text = memory_rses("AB") + (
        f"tests:\n  c: {{kind: tpc, timeout: 1s, sizes: [1kB, 2kB], driver: {driver}}}\n"
    )

    lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    found = by_address(tmp_path / "out")
    blocked = [one for one in found.values() if one["source.rse"] == "A"]
    assert {one["status"] for one in blocked} == {"blocked"}
    created, gone = entries(tmp_path / "out")
    assert created == gone


def test_tests_with_different_drivers_have_seeds_of_their_own(tmp_path: Path) -> None:
    text = memory_rses("AB") + (
        "tests:\n"
        "  c: {kind: tpc, sizes: [1kB], driver: memory}\n"
        "  d: {kind: tpc, sizes: [1kB], driver: {name: memory, latency: 1ms}}\n"
        "  e: {kind: tpc, sizes: [1kB], driver: memory}\n"
    )

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    created, gone = entries(tmp_path / "out")
    assert created == gone
    assert len(created) == 3 * 2 + 2 * 2
