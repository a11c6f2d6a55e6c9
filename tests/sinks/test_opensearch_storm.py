"""A flow of documents while the server stops, hangs, crashes and is full: each is there once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lakecheck.sinks import shipper
from lakecheck.sinks.cursor import Cursor, CursorFile
from lakecheck.sinks.shipper import Outcome
from tests.sinks.search import Store, journal, shipped

DOCUMENTS, EARLY = 20_000, 15_000
DISK = "cluster__routing__allocation__disk"


class Flow:
    """A journal on its way, in a thread of its own."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path, self.store = path, store
        self.outcomes: list[Outcome] = []
        self._thread = threading.Thread(target=self._ship)
        self._thread.start()

    def _ship(self) -> None:
        self.outcomes.append(
            shipped(self.path, self.store, "storm", within=300, batch=50, timeout=1.5)
        )

    def until(self, condition: Callable[[Cursor], bool]) -> None:
        """Wait until the cursor is as told."""
        deadline = time.monotonic() + 120
        target = f"{self.store.url}/storm"
        while not condition(CursorFile(self.path, "opensearch", target).now):
            assert self._thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def end(self) -> Outcome:
        """Wait until all is there."""
        self._thread.join(300)
        (outcome,) = self.outcomes
        return outcome


def test_nothing_is_lost_and_nothing_is_there_twice(
    search_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipper, "LONGEST_WAIT", 1.0)
    path = journal(tmp_path, DOCUMENTS)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:EARLY]))

    flow = Flow(path, search_store)
    flow.until(lambda cursor: cursor.shipped > DOCUMENTS // 20)
    with search_store.paused():
        time.sleep(2)
    flow.until(lambda cursor: cursor.shipped > EARLY // 3)
    os.kill(search_store.pid, signal.SIGKILL)
    flow.until(lambda cursor: cursor.shipped > EARLY // 3 * 2)
    search_store.lake.halt(search_store.name)
    time.sleep(1)
    search_store.lake.resume(search_store.name)
    outcome = flow.end()
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (EARLY, 0, 0)

    full = dict.fromkeys(("low", "high", "flood_stage"), "1pb")  # free, which no disk has
    watermarks = {f"{DISK}__watermark__{name}": value for name, value in full.items()}
    watermarks |= {f"{DISK}__threshold_enabled": True, "cluster__info__update__interval": "10s"}
    with search_store.cluster(**watermarks):
        deadline = time.monotonic() + 120
        while "read_only_allow_delete" not in str(search_store.ask("GET", "storm-*/_settings")):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        with path.open("ab") as file:
            file.writelines(whole[EARLY:])
        flow = Flow(path, search_store)
        flow.until(lambda cursor: "its disk is full" in cursor.trouble)
    # The lake's servers look at no disk, so nobody else takes the block away.
    release = {"index.blocks.read_only_allow_delete": None}
    search_store.ask("PUT", "storm-*/_settings", release)
    outcome = flow.end()
    assert (outcome.rejected, outcome.pending) == (0, 0)
    assert outcome.shipped == DOCUMENTS - EARLY

    found = search_store.ids("storm-*")
    assert len(found) == DOCUMENTS
    assert set(found) == {f"{n:032x}" for n in range(DOCUMENTS)}

    again = shipped(path, search_store, "storm", within=60)
    assert (again.shipped, again.trouble) == (0, "")
