"""A full disk under reports/: the run goes on, and keeps its documents if it can."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.runs import (
    by_address,
    documents,
    lakecheck,
    memory_rses,
    start,
    wait_for,
    write,
)

RSES = [f"R{number}" for number in range(20)]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_on_which_not_even_a_folder_can_be_made(tmp_path: Path) -> None:
    disk, temporary = tmp_path / "disk", tmp_path / "tmp"
    for folder in (disk, temporary):
        folder.mkdir()
    options = "size=64k,nr_inodes=1"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], check=True)
    try:
        done = lakecheck(
            "run", spec(tmp_path), "-o", disk / "out", cwd=tmp_path, TMPDIR=str(temporary)
        )
    finally:
        subprocess.run(["umount", "-l", disk], check=True)

    assert done.returncode == 10, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "200 documents could not be written" in done.stderr
    (kept,) = temporary.iterdir()
    assert len(kept.read_text().splitlines()) == 200


def fill(disk: Path) -> Path:
    """Take all the room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096) == 4096 and shutil.disk_usage(disk).free:
            pass
    return ballast


def spec(folder: Path, latency: str = "0s") -> Path:
    driver = f"{{name: memory, latency: {latency}}}"
    tests = f"tests:\n  f: {{kind: functional, timeout: 1m, sizes: [1B, 2B], driver: {driver}}}\n"
    return write(folder, memory_rses(RSES) + tests)


def test_what_was_held_is_written_when_there_is_room_again(small: Path, tmp_path: Path) -> None:
    file = spec(tmp_path, latency="500ms")  # a case takes 2.5 s
    ballast = fill(small)
    process = start("run", file, "-o", small / "out", cwd=tmp_path)
    held = small / "out" / "results.ndjson"
    assert process.stderr is not None
    said = process.stderr.readline()
    while "results.ndjson: No space left on device: documents are held" not in said:
        assert said, "it did not say that documents are held"
        said = process.stderr.readline()
    ballast.unlink()

    output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, output + errors
    assert "what was held is written" in errors
    assert len(documents(small / "out")) == 200
    assert held.read_bytes().endswith(b"\n")
    assert {one["status"] for one in documents(small / "out")} == {"passed"}


def test_what_no_disk_takes_is_counted_aloud(small: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    fill(small)

    done = lakecheck(
        "run", spec(tmp_path), "-o", small / "out", cwd=tmp_path, TMPDIR=str(temporary)
    )

    assert done.returncode == 10, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "200 documents could not be written" in done.stderr
    assert "No space left on device" in done.stderr
    (kept,) = temporary.iterdir()
    assert str(kept) in "".join(done.stderr.split("\n"))
    assert len(kept.read_text().splitlines()) == 200


def test_a_disk_that_fills_up_in_the_middle_keeps_whole_lines(small: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    done = lakecheck(
        "run", spec(tmp_path), "-o", small / "out", cwd=tmp_path, TMPDIR=str(temporary)
    )

    assert done.returncode in (0, 10), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    there = documents(small / "out")
    kept = [line for file in temporary.glob("*kept*") for line in file.read_text().splitlines()]
    assert len(there) + len(kept) == 200
    assert there


def test_views_that_do_not_fit_are_left_out_and_told(small: Path, tmp_path: Path) -> None:
    text = f"{memory_rses(RSES)}tests:\n  f: {{kind: functional, driver: memory}}\n"
    done = lakecheck("run", write(tmp_path, text), "-o", small / "out", cwd=tmp_path)

    # Journal and plan fit into 256 kB, beside them not both views.
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(by_address(small / "out")) == 100
    missing = [n for n in ("junit.xml", "report.html") if not (small / "out" / n).exists()]
    assert missing
    for name in missing:
        assert f"{name} could not be written: No space left on device" in done.stderr
    assert [file.name for file in (small / "out").iterdir() if file.name.startswith(".")] == []


def test_a_full_disk_for_payloads_is_ours(small: Path, tmp_path: Path) -> None:
    text = f"{memory_rses('A')}tests:\n  f: {{kind: functional, driver: memory, sizes: [1MB]}}\n"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path, TMPDIR=str(small))

    assert done.returncode == 10, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    assert {one["status"] for one in found.values()} == {"error"}
    assert "set TMPDIR to a larger disk" in found["f::A.davs.1MB.upload"]["error.message"]


def test_it_is_said_at_once(small: Path, tmp_path: Path) -> None:
    text = memory_rses("AB") + (
        "tests:\n  f: {kind: functional, timeout: 1m, "
        "driver: {name: memory, on: {B: {faults: {stat: hang}}}}}\n"
    )
    fill(small)
    process = start("run", write(tmp_path, text), "-o", small / "out", cwd=tmp_path)
    assert process.stderr is not None
    wait_for(lambda: "documents are held" in process.stderr.readline())  # type: ignore[union-attr]
    assert process.poll() is None
