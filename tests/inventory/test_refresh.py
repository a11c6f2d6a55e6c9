"""Refreshing locks: what is read, what serves when a catalogue is silent, and for how long."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from lakecheck.errors import CatalogueError
from lakecheck.inventory import before_run, due, refresh, refresh_all
from lakecheck.spec import Source
from lakecheck.spec.locks import read_lock
from tests.inventory.server import Cric


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "cric.lock.json"


def source(cric: Cric, lock: Path, **more: object) -> Source:
    keys = {"name": "cric", "address": cric.url, "located": cric.url, "lock": lock, "timeout": 5.0}
    return Source(**(keys | more))  # type: ignore[arg-type]


def rses(lock: Path) -> list[str]:
    return list(read_lock(lock).rses)


def test_the_lock_follows_the_catalogue(cric: Cric, lock: Path) -> None:
    cric.lists("A", "B")
    (first,) = refresh([source(cric, lock)])
    assert (rses(lock), first.trouble) == (["A", "B"], "")
    cric.lists("B", "C")
    (second,) = refresh([source(cric, lock)])

    assert rses(lock) == ["B", "C"]
    assert second.sentence == "cric: +C -A"


def test_reading_the_same_again_leaves_the_file_as_it_is(cric: Cric, lock: Path) -> None:
    cric.lists("A")
    refresh([source(cric, lock)])
    before = lock.read_bytes()
    os.utime(lock, (1000, 1000))
    assert due(source(cric, lock))

    (again,) = refresh([source(cric, lock)])

    assert lock.read_bytes() == before
    assert again.sentence == ""
    assert not due(source(cric, lock))


def test_what_is_due(cric: Cric, lock: Path) -> None:
    assert due(source(cric, lock))
    cric.lists("A")
    refresh([source(cric, lock)])
    now = time.time()

    assert not due(source(cric, lock, refresh=600.0), now + 590)
    assert due(source(cric, lock, refresh=600.0), now + 610)
    assert not due(source(cric, lock, refresh=600.0, frozen=True), now + 610)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "it is a web page and no JSON, perhaps a login"),
        (b'{"rses": {}}', "it lists no RSE that can be tested"),
        (b'{"rses": {"A": {"proto', "it is not JSON, or only a part of it"),
    ],
)
def test_nonsense_replaces_no_lock(cric: Cric, lock: Path, content: bytes, why: str) -> None:
    cric.lists("A")
    refresh([source(cric, lock)])
    os.utime(lock, (time.time() - 7230,) * 2)
    before = lock.read_bytes()
    cric.content = content

    (outcome,) = refresh([source(cric, lock)])

    assert outcome.sentence.startswith(f'cric: "{cric.url[:59]}')
    assert f"cannot be used: {why}; the lock {lock} serves, 2h00m old (its " in outcome.sentence
    assert lock.read_bytes() == before


def test_without_a_lock_there_is_nothing_to_plan_from(cric: Cric, lock: Path) -> None:
    cric.statuses = [404]

    with pytest.raises(CatalogueError, match="it answered 404 Not Found; and there is no lock"):
        refresh([source(cric, lock)])
    assert not lock.exists()


def test_frozen_catalogues_are_read_only_by_hand(cric: Cric, lock: Path) -> None:
    cric.lists("A")

    assert refresh([source(cric, lock, frozen=True)]) == ()
    assert cric.asked == 0
    refresh_all([source(cric, lock, frozen=True)])
    assert rses(lock) == ["A"]


def test_parts_of_one_run_share_the_lock(
    cric: Cric, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKECHECK_RUN", "20261121T090000Z-7f3a90c1")
    cric.lists("A")
    assert before_run([source(cric, lock)]) == ["cric: +A"]
    cric.lists("B")

    assert before_run([source(cric, lock)]) == []
    assert rses(lock) == ["A"]


def test_what_is_no_lock_is_not_overwritten(cric: Cric, lock: Path) -> None:
    lock.parent.mkdir()
    lock.write_text("my notes")
    cric.lists("A")

    with pytest.raises(CatalogueError, match="is no lock of an inventory, and is not overwritten"):
        refresh([source(cric, lock)])
    assert lock.read_text() == "my notes"


def test_a_torn_lock_is_written_anew(cric: Cric, lock: Path) -> None:
    cric.lists("A")
    refresh([source(cric, lock)])
    lock.write_bytes(lock.read_bytes()[:90])

    refresh([source(cric, lock)])

    assert rses(lock) == ["A"]


def test_a_lock_that_cannot_be_written(cric: Cric, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cric.lists("A")

    with pytest.raises(CatalogueError, match="cannot be written: "):
        refresh([source(cric, tmp_path / "file" / "l.json")])


def test_readers_never_see_a_torn_lock(cric: Cric, lock: Path) -> None:
    cric.lists(*(f"R-{number}" for number in range(100)))
    refresh([source(cric, lock)])
    ended = threading.Event()

    def again() -> None:
        for number in range(6):
            cric.lists(*(f"R-{each}" for each in range(100 + number % 2)))
            refresh([source(cric, lock)])
        ended.set()

    writers = [threading.Thread(target=again) for _ in range(2)]
    for writer in writers:
        writer.start()
    while not ended.is_set():
        assert len(rses(lock)) in (100, 101)
    for writer in writers:
        writer.join()
    assert os.listdir(lock.parent) == ["cric.lock.json"]
