"""kill -9 of a run at random moments; LAKECHECK_SOAK says how many."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import (
    by_address,
    gone,
    lakecheck,
    memory_rses,
    planned,
    plant,
    start,
    statuses,
    wait_for,
    workers_of,
    write,
)

SOAK = int(os.environ.get("LAKECHECK_SOAK", "10"))


def spec(lake: Lake, folder: Path) -> Path:
    """Some seconds of work of both kinds."""
    return write(
        folder,
        f"lakecheck: 1\ninclude: [{lake.inventory}]\ntests:\n"
        "  f: {kind: functional, timeout: 30s, sizes: [100B, 1kB, 1MB]}\n"
        "  c: {kind: tpc, timeout: 30s, protocols: [davs], modes: [pull, push], sizes: [1MB]}\n",
    )


def kill(process: object, workers: list[psutil.Process]) -> None:
    """kill -9, and see that no worker survives."""
    os.kill(process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    process.communicate(timeout=20)  # type: ignore[attr-defined]
    assert gone(workers)


def on_storages(lake: Lake) -> list[Path]:
    """Files below the lakecheck folders of all RSEs."""
    return [
        file
        for rse in lake.rses
        for file in (lake.data_dir(rse) / "lakecheck").glob("**/*")
        if file.is_file()
    ]


def whole_lines(journal: Path) -> int:
    """Parse every line that is whole; how many there are."""
    if not journal.exists():
        return 0
    *whole, _torn = journal.read_bytes().split(b"\n")
    return len([json.loads(line) for line in whole])


@pytest.mark.parametrize("moment", range(SOAK))
def test_at_any_moment(pair: Lake, tmp_path: Path, moment: int) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    more = {"TMPDIR": str(temporary)}
    chance = random.Random(f"{moment}-{time.time_ns()}")
    wait = chance.uniform(0.0, 2.5)
    print(f"killed {wait:.3f}s after plan.json was there")  # noqa: T201 (shown where it fails)
    out = tmp_path / "out"
    process = start("run", spec(pair, tmp_path), "-o", out, cwd=tmp_path, **more)
    wait_for(lambda: (out / "plan.json").exists())
    time.sleep(wait)

    kill(process, workers_of(process.pid))

    done = whole_lines(out / "results.ndjson")
    if moment % 2:
        ended = lakecheck("run", "--resume", out, "-q", cwd=tmp_path, **more)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(statuses(out)) == {"passed"}
    else:
        ended = lakecheck("close", out, cwd=tmp_path, **more)
        assert ended.returncode == 2, ended.stdout + ended.stderr
        assert statuses(out)["not_run"] == len(planned(out)) - done
    assert (out / "junit.xml").exists()
    assert (out / "report.html").exists()
    assert on_storages(pair) == []
    assert list(temporary.iterdir()) == []


def test_what_passed_before_is_not_repeated(pair: Lake, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("run", spec(pair, tmp_path), "-o", out, cwd=tmp_path)
    wait_for(lambda: whole_lines(out / "results.ndjson") > 5)
    kill(process, workers_of(process.pid))
    before = (out / "results.ndjson").read_bytes()
    before = before[: before.rfind(b"\n") + 1]

    ended = lakecheck("run", "--resume", out, cwd=tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (out / "results.ndjson").read_bytes().startswith(before)
    assert len({one["run.id"] for one in by_address(out).values()}) == 1
    again = lakecheck("run", "--resume", out, cwd=tmp_path)
    assert again.returncode == 0
    assert set(statuses(out)) == {"passed"}


def test_a_run_that_goes_on_can_be_neither_closed_nor_resumed(tmp_path: Path) -> None:
    driver = "{name: memory, faults: {stat: hang}}"
    text = f"{memory_rses('A')}tests:\n  f: {{kind: functional, timeout: 5m, driver: {driver}}}\n"
    out = tmp_path / "out"
    process = start("run", write(tmp_path, text), "-o", out, cwd=tmp_path)
    wait_for(lambda: whole_lines(out / "results.ndjson") > 0)

    for command in (["close", out], ["run", "--resume", out]):
        refused = lakecheck(*command, cwd=tmp_path)
        assert refused.returncode == 4, refused.stdout + refused.stderr
        assert "goes on in another process" in refused.stderr

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 2
    assert statuses(out) == {"passed": 2, "not_run": 3}


def test_close_without_a_ledger_finds_files_by_their_name(pair: Lake, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("run", spec(pair, tmp_path), "-o", out, cwd=tmp_path)
    wait_for(lambda: whole_lines(out / "results.ndjson") > 2)
    kill(process, workers_of(process.pid))
    run_id = json.loads((out / "plan.json").read_text())["run"]["id"]
    ours = pair.data_dir("LAKE-1") / "lakecheck" / f"{run_id}-0123456789abcdef"
    other = pair.data_dir("LAKE-1") / "lakecheck" / "20990101T000000Z-00000000-0123456789abcdef"
    for file in (ours, other):
        file.write_bytes(b"left")
        os.chown(file, *owner(pair.data_dir("LAKE-1") / "lakecheck"))
    (out / "created.ndjson").unlink()

    ended = lakecheck("close", out, cwd=tmp_path)

    assert ended.returncode == 2, ended.stdout + ended.stderr
    left = on_storages(pair)
    other.unlink()
    assert left == [other]


def test_close_without_a_ledger_searches_every_server_and_tells_where_it_could_not(
    lake: Lake, tmp_path: Path
) -> None:
    ends = list(lake.rses["LAKE-REDIR"].endpoints.values())
    nobody = "davs://127.0.0.1:1/dead"
    file = write(
        tmp_path,
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n    R: {{endpoints: {ends}}}\n"
        f"    DEAD: {{endpoints: ['{nobody}']}}\n"
        "tests:\n  f: {kind: functional, on: R, timeout: 1m}\n",
    )
    out = tmp_path / "out"
    process = start("run", file, "-o", out, cwd=tmp_path)
    wait_for(lambda: (out / "plan.json").exists())
    kill(process, workers_of(process.pid))
    run = json.loads((out / "plan.json").read_text())["run"]["id"]
    planted = [plant(lake, server, run) for server in (0, 1)]
    (out / "created.ndjson").unlink(missing_ok=True)

    ended = lakecheck("close", out, cwd=tmp_path)

    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert [each for each in planted if each.exists()] == []
    folders = [lake.data_dir("LAKE-REDIR", server) / "lakecheck" for server in (0, 1)]
    assert [each for folder in folders for each in folder.glob(f"{run}*")] == []
    assert f"could not be searched for the run's files: {nobody}/lakecheck: " in ended.stdout
    assert "could not be searched for the run's files: root" not in ended.stdout


def owner(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid


def test_close_of_a_run_whose_specs_are_gone(pair: Lake, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = spec(pair, tmp_path)
    process = start("run", file, "-o", out, cwd=tmp_path)
    wait_for(lambda: whole_lines(out / "results.ndjson") > 2)
    kill(process, workers_of(process.pid))
    text = file.read_text()
    file.unlink()

    ended = lakecheck("close", out, cwd=tmp_path)

    assert ended.returncode == 2
    assert "can no longer be loaded" in ended.stdout
    assert statuses(out)["not_run"]
    file.write_text(text)
    again = lakecheck("close", out, cwd=tmp_path)
    assert again.returncode == 2, again.stdout + again.stderr
    assert on_storages(pair) == []
