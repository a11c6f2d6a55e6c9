"""Which level of a failed link is broken: FTS, the storages' copy, or a storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import Document, by_address, lakecheck, write

RSES = ("LAKE-1", "LAKE-2")
LINK = "copies::LAKE-1~LAKE-2.davs.1MB.copy"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.start(tmp_path_factory.mktemp("lake"), only=RSES, services=["fts"]) as lake:
        yield lake


def copied(lake: Lake, folder: Path, more: str = "diagnose: true") -> Document:
    spec = (
        f"lakecheck: 1\ninclude: [{lake.inventory}]\ntests:\n"
        f"  copies: {{kind: tpc, via: fts, protocols: [davs], files: 2, timeout: 30s, {more}}}\n"
    )
    done = lakecheck("run", write(folder, spec), "-o", folder / "run", "-k", LINK, cwd=folder)
    assert "Traceback" not in done.stderr
    return by_address(folder / "run")[LINK]


def left(lake: Lake) -> list[Path]:
    """Files of lakecheck on any storage."""
    return [
        path
        for rse in RSES
        for path in (lake.data_dir(rse) / "lakecheck").glob("*")
        if path.is_file()
    ]


def test_fts_breaks_where_the_storages_copy_by_themselves(lake: Lake, tmp_path: Path) -> None:
    lake.fault("fts", "fail=TRANSFER [5] broken pipe")
    try:
        found = copied(lake, tmp_path)
    finally:
        lake.fault("fts", "none")
    assert (found["status"], found["error.class"]) == ("failed", "protocol")
    assert (found["diagnosis.level"], found["diagnosis.side"]) == ("fts", "service")
    assert found["diagnosis.tried"] == ["direct works"]
    assert left(lake) == []


def test_a_storage_breaks_where_it_takes_no_file_by_itself(lake: Lake, tmp_path: Path) -> None:
    lake.fault("LAKE-2", "full")
    try:
        found = copied(lake, tmp_path)
    finally:
        lake.fault("LAKE-2", "none")
    assert (found["diagnosis.level"], found["diagnosis.side"]) == ("storage", "destination")
    direct, source, destination = found["diagnosis.tried"]
    assert direct.startswith("direct failed: ")
    assert source == "source works"
    assert destination.startswith("destination failed: ")
    assert left(lake) == []


def test_nothing_is_tried_where_nobody_asks(lake: Lake, tmp_path: Path) -> None:
    lake.fault("fts", "fail=TRANSFER [5] broken pipe")
    try:
        found = copied(lake, tmp_path, "retry: 0")
    finally:
        lake.fault("fts", "none")
    assert found["status"] == "failed"
    assert not [name for name in found if name.startswith("diagnosis.")]
