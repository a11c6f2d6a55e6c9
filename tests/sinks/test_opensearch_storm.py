"""A flow of documents while the server stops, hangs, crashes: afterwards each is there once."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from lakecheck.sinks import shipper
from lakecheck.sinks.cursor import CursorFile
from lakecheck.sinks.shipper import Outcome
from tests.sinks.search import Store, journal, shipped

DOCUMENTS = 20_000


def test_nothing_is_lost_and_nothing_is_there_twice(
    opensearch: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipper, "LONGEST_WAIT", 1.0)
    path = journal(tmp_path, DOCUMENTS)
    outcomes: list[Outcome] = []
    flow = threading.Thread(
        target=lambda: outcomes.append(
            shipped(path, opensearch, "storm", within=300, batch=50, timeout=1.5)
        )
    )
    target = f"{opensearch.url}/storm"

    def until(share: float) -> None:
        deadline = time.monotonic() + 120
        while CursorFile(path, "opensearch", target).now.shipped < share * DOCUMENTS:
            assert flow.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.005)

    flow.start()
    until(0.05)
    with opensearch.paused():
        time.sleep(2)
    until(0.3)
    os.kill(opensearch.pid, signal.SIGKILL)
    until(0.6)
    opensearch.lake.halt("opensearch")
    time.sleep(1)
    opensearch.lake.resume("opensearch")
    flow.join(300)

    (outcome,) = outcomes
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (DOCUMENTS, 0, 0)
    found = opensearch.ids("storm-*")
    assert len(found) == DOCUMENTS
    assert set(found) == {f"{n:032x}" for n in range(DOCUMENTS)}

    again = shipped(path, opensearch, "storm", within=60)
    assert (again.shipped, again.trouble) == (0, "")
