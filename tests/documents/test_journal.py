"""The journal: whole lines on any disk, one writer, nothing lost that could be kept."""

from __future__ import annotations

import errno
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.documents import held, journal
from lakecheck.documents.journal import Journal, mend, read
from lakecheck.errors import JournalError, UsageError


class Disk:
    """os.write with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._write = os.write

    def write(self, file: int, line: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = min(len(line), self.room)
        self.room -= taken
        return self._write(file, line[:taken])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk(10**9)
    monkeypatch.setattr(journal.os, "write", made.write)
    monkeypatch.setattr(journal, "RETRY_EVERY", 0.0)
    return made


def numbers(path: Path) -> list[int]:
    return [each["n"] for each in read(path)]


def test_a_line_is_on_disk_before_append_returns(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run" / "results.ndjson")

    kept.append({"n": 1})

    assert (tmp_path / "run" / "results.ndjson").read_text() == '{"n":1}\n'
    kept.close()


def test_a_full_disk_keeps_whole_lines_and_the_order(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "results.ndjson"
    kept = Journal(path)
    disk.room = 3 * len('{"n":1}\n') + 4  # and half a line

    for number in range(6):
        kept.append({"n": number})

    assert numbers(path) == [0, 1, 2]
    assert path.read_bytes().endswith(b"\n")
    assert kept.pending == 3
    assert "No space left" in kept.trouble
    disk.room = 10**9
    kept.append({"n": 6})
    assert kept.pending == 0
    assert kept.close() == 0
    assert numbers(path) == list(range(7))


def test_what_is_left_at_the_end_is_put_into_tmpdir(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held.tempfile, "tempdir", str(tmp_path))
    kept = Journal(tmp_path / "results.ndjson")
    disk.room = 0
    kept.append({"n": 1})
    kept.append({"n": 2})

    assert kept.close() == 2

    assert kept.kept_at is not None
    assert kept.kept_at.read_text() == '{"n":1}\n{"n":2}\n'


def test_many_held_lines_go_to_tmpdir_in_order(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(held, "IN_MEMORY", 100)
    path = tmp_path / "results.ndjson"
    kept = Journal(path)
    disk.room = 0
    for number in range(200):
        kept.append({"n": number})
    spilled = list(tmp_path.glob("lakecheck-held-*"))
    assert len(spilled) == 1

    disk.room = 10**9
    assert kept.close() == 0

    assert numbers(path) == list(range(200))
    assert list(tmp_path.glob("lakecheck-held-*")) == []


@pytest.mark.parametrize("seed", range(20))
def test_space_that_comes_and_goes_loses_nothing(tmp_path: Path, disk: Disk, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "results.ndjson"
    kept = Journal(path)
    for number in range(300):
        disk.room = chance.choice([0, 1, 5, 20, 10**6])
        kept.append({"n": number, "text": "x" * chance.randrange(30)})
        assert path.read_bytes()[-1:] in (b"", b"\n")
    disk.room = 10**9

    assert kept.close() == 0
    assert numbers(path) == list(range(300))


def test_the_rest_of_a_torn_line_is_cut_off_later_where_it_cannot_be_now(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.ndjson"
    kept = Journal(path)
    kept.append({"n": 0})
    cut = os.ftruncate

    def broken(file: int, length: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(journal.os, "ftruncate", broken)
    disk.room = 3
    kept.append({"n": 1})
    monkeypatch.setattr(journal.os, "ftruncate", cut)
    disk.room = 10**6
    kept.append({"n": 2})

    assert kept.close() == 0
    assert numbers(path) == [0, 1, 2]


def test_there_is_one_writer(tmp_path: Path) -> None:
    first, second = Journal(tmp_path / "r"), Journal(tmp_path / "r")
    first.claim()

    with pytest.raises(UsageError, match="goes on in another process"):
        second.claim()

    first.close()
    second.claim()
    second.close()


def test_a_claim_on_a_disk_without_room_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal.os, "open", full)

    Journal(tmp_path / "r").claim()


LINES = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=6)


@given(LINES, st.binary(max_size=30).filter(lambda torn: b"\n" not in torn))
def test_a_torn_last_line_is_left_out_and_mended(
    tmp_path_factory: pytest.TempPathFactory, documents: list[dict[str, str]], torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "results.ndjson"
    whole = b"".join(json.dumps(each).encode() + b"\n" for each in documents)
    path.write_bytes(whole + torn)

    assert list(read(path)) == documents
    assert mend(path) == len(torn)
    assert path.read_bytes() == whole
    assert mend(path) == 0


def test_a_very_long_torn_line_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    path.write_bytes(b'{"n":1}\n' + b"x" * 300_000)

    assert mend(path) == 300_000
    assert numbers(path) == [1]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    path.write_bytes(b'{"n":1}\n{"n":\n{"n":3}\n')

    with pytest.raises(JournalError, match=r"results\.ndjson:2: this line is no document"):
        list(read(tmp_path))


def test_no_journal_has_no_documents(tmp_path: Path) -> None:
    assert list(read(tmp_path)) == []
    assert mend(tmp_path / "results.ndjson") == 0


def test_what_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "r")

    kept.append({"path": tmp_path, "half": "\udcff"})
    kept.close()

    assert list(read(tmp_path / "r")) == [{"path": str(tmp_path), "half": "?"}]
