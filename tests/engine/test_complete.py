"""Every planned check leaves exactly one document, whatever becomes of it."""

from __future__ import annotations

from pathlib import Path

from tests.engine.runs import by_address, documents, lakecheck, memory_rses, statuses, write

FAULTS = """
tests:
  f:
    kind: functional
    timeout: 2s
    credentials: [none, robot]
    driver: {name: memory, on: ON}
  c:
    kind: tpc
    timeout: 2s
    modes: [pull, push]
    sizes: [1kB, 1MB]
    driver: {name: memory, on: ON}
credentials:
  robot: {x509: {proxy: no-such-proxy}}
"""
ON = (
    "{DENIED: {faults: {upload: denied}}, HUNG: {faults: {stat: hang}},"
    " CRASHED: {faults: {upload: crash}}, ROTTEN: {faults: {download: corrupt, copy: corrupt}},"
    " FULL: {faults: {upload: full, copy: full}}, ODD: {faults: {delete: protocol}}}"
)
NAMES = ["GOOD", "DENIED", "HUNG", "CRASHED", "ROTTEN", "FULL", "ODD"]


def spec(folder: Path) -> Path:
    text = (
        memory_rses(NAMES) + "    ASIDE: {endpoints: ['davs://aside.example.org:1/x'], tpc: none}\n"
    )
    return write(folder, text + FAULTS.replace("ON", ON))


def test_all_statuses_at_once(tmp_path: Path) -> None:
    done = lakecheck("run", spec(tmp_path), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    counts = statuses(tmp_path / "out")
    assert set(counts) == {"passed", "failed", "error", "skipped", "blocked"}
    found = by_address(tmp_path / "out")
    for name, one in found.items():
        if one["status"] in ("failed", "error", "blocked"):
            assert one["error.class"], name
            assert one["error.message"], name
            assert one["error.side"], name
        if one["status"] == "skipped":
            assert one["reason"], name
    assert found["credentials::robot.valid"]["status"] == "error"
    assert found["f::GOOD.davs.100B.robot.upload"]["blocked_by"] == "credentials::robot.valid"
    assert found["f::GOOD.davs.100B.robot.upload"]["error.class"] == "credential"
    assert found["c::GOOD~ASIDE.1MB.copy"]["status"] == "skipped"
    assert found["c::DENIED~GOOD.davs.1MB.pull.copy"]["blocked_by"] == "c::DENIED.davs.1MB.seed"
    assert found["c::DENIED~GOOD.davs.1MB.pull.copy"]["error.side"] == "source"


def test_a_needed_step_runs_without_a_document(tmp_path: Path) -> None:
    done = lakecheck(
        "run", spec(tmp_path), "-k", "download and not robot", "-o", "out", cwd=tmp_path
    )

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    assert {one["check"] for one in found.values()} == {"download"}
    assert found["f::GOOD.davs.100B.none.download"]["status"] == "passed"
    denied = found["f::DENIED.davs.100B.none.download"]
    assert denied["status"] == "blocked"
    assert denied["blocked_by"] == "f::DENIED.davs.100B.none.upload"
    assert denied["error.class"] == "denied"
    crashed = found["f::CRASHED.davs.100B.none.download"]
    assert (crashed["status"], crashed["error.class"]) == ("blocked", "tester")
    hung = found["f::HUNG.davs.100B.none.download"]
    assert hung["status"] == "passed"  # it does not need stat, which would have hung


def test_an_unselected_check_of_a_credential_blocks_all_the_same(tmp_path: Path) -> None:
    done = lakecheck("run", spec(tmp_path), "-k", "GOOD and robot", "-o", "out", cwd=tmp_path)

    assert done.returncode == 10, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    assert len(found) == 5
    assert {one["status"] for one in found.values()} == {"blocked"}
    assert {one["blocked_by"] for one in found.values()} == {"credentials::robot.valid"}


def test_a_seed_is_made_once_and_leaves_nothing(tmp_path: Path) -> None:
    text = memory_rses("ABCD") + "tests:\n  c: {kind: tpc, driver: memory, sizes: [1kB]}\n"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(documents(tmp_path / "out")) == 12
    ledger = (tmp_path / "out" / "created.ndjson").read_text().splitlines()
    assert sum('"gone":true' in line for line in ledger) == 12 + 4
    assert len(ledger) == 2 * (12 + 4)
