"""Local files: made once, different in every run, with the checksums they claim."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import threading
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakecheck.drivers.base import Payload
from lakecheck.engine.payloads import BLOCK, Payloads, folder_of, make
from lakecheck.errors import TesterFailed


@settings(max_examples=20, deadline=None)
@given(st.one_of(st.integers(0, 300), st.integers(BLOCK - 2, BLOCK + 2), st.just(3 * BLOCK + 7)))
def test_size_and_checksums_are_those_of_the_file(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "p", size, "seed")
        content = Path(made.path).read_bytes()

    assert len(content) == made.size == size
    assert made.adler32 == f"{zlib.adler32(content):08x}"
    assert made.md5 == hashlib.md5(content).hexdigest()


def test_runs_differ_and_blocks_differ(tmp_path: Path) -> None:
    one = Path(make(tmp_path / "a", 3 * BLOCK, "one").path).read_bytes()
    two = Path(make(tmp_path / "b", 3 * BLOCK, "two").path).read_bytes()

    assert one != two
    assert len({one[:BLOCK], one[BLOCK : 2 * BLOCK], one[2 * BLOCK :]}) == 3


def test_a_size_is_made_once_however_many_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    payloads = Payloads("run")

    async def ask() -> None:
        found = await asyncio.gather(*(payloads.of(1000) for _ in range(20)))
        assert len({each.path for each in found}) == 1

    asyncio.run(ask())
    assert [each.name for each in folder_of("run").iterdir()] == ["payload-1000"]
    assert folder_of("run").stat().st_mode & 0o777 == 0o700
    payloads.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_ends_the_making_of_a_large_file(tmp_path: Path) -> None:
    stopped = threading.Event()
    threading.Timer(0.1, stopped.set).start()
    began = time.monotonic()

    with pytest.raises(TesterFailed, match="interrupted"):
        make(tmp_path / "p", 10**12, "seed", stopped)

    assert time.monotonic() - began < 30


def test_a_file_that_is_made_while_all_are_removed_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    payloads = Payloads("run")

    def late(path: Path, *arguments: object) -> Payload:
        payloads.remove()
        path.parent.mkdir()
        return make(path, 10, "seed")

    monkeypatch.setattr("lakecheck.engine.payloads.make", late)

    asyncio.run(payloads.of(10))

    assert list(tmp_path.iterdir()) == []


def test_no_room_is_ours_and_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(file))

    with pytest.raises(TesterFailed, match="set TMPDIR to a larger disk"):
        asyncio.run(Payloads("run").of(10))


def test_what_cannot_fit_is_told_before_a_byte_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    payloads = Payloads("20261121T090000Z-7f3a90c1")

    with pytest.raises(TesterFailed, match=r"no room for a local file of 500TB .* are free"):
        asyncio.run(payloads.of(500 * 10**12))
    assert list(payloads.folder.iterdir()) == []
