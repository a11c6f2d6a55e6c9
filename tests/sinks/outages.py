"""What brokers and databases do to us: they are killed, they restart, they freeze."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.shipper import ship
from lakecheck.sinks.sources.base import Source

DOCUMENTS = 20_000
PARTS = 21


def result(number: int, **more: Any) -> dict[str, Any]:
    """A document like those of runs."""
    minutes, rest = divmod(number, 60_000)
    return {
        "@timestamp": f"2026-11-21T09:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}Z",
        "_id": f"{number:032x}",
        "document": "result",
        "version": 1,
        "run.id": "20261121T090000Z-7f3a90c1",
        "test": "gfal",
        "kind": "functional",
        "case": f"LAKE-{number % 50}.davs.100B",
        "check": ("upload", "stat", "download", "delete")[number % 4],
        "rse": f"LAKE-{number % 50}",
        "protocol": "davs",
        "status": "failed" if number % 10 == 0 else "passed",
        "duration": number / 1000,
        "bytes": 100,
        **more,
    }


def write(journal: Path, documents: list[dict[str, Any]]) -> Path:
    """Append documents to a journal."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a") as file:
        file.writelines(json.dumps(each, separators=(",", ":")) + "\n" for each in documents)
    return journal


def process_of(lake: Lake, service: str) -> int:
    record = lake.server(service).process
    assert record is not None
    return record.pid


def wait_until_up(lake: Lake, service: str, other_than: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        server = lake.server(service)
        if server.state == "up" and server.process and server.process.pid != other_than:
            return
        time.sleep(0.05)
    raise AssertionError(f"{service} does not come back")


def kill(lake: Lake, service: str) -> None:
    pid = process_of(lake, service)
    os.kill(pid, signal.SIGKILL)
    wait_until_up(lake, service, pid)


def restart(lake: Lake, service: str) -> None:
    lake.halt(service)
    time.sleep(0.5)
    lake.resume(service)


def freeze(lake: Lake, service: str, seconds: float = 2.0) -> None:
    pid = process_of(lake, service)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)


def ship_through_outages(lake: Lake, service: str, journal: Path, choice: SinkChoice) -> None:
    """Ship 20,000 documents, part by part, while the server is killed, restarted and frozen."""
    parts = iter(range(PARTS))

    def ship_part() -> bool:
        number = next(parts, None)
        if number is None:
            return False
        each = -(-DOCUMENTS // PARTS)
        write(journal, [result(n) for n in range(DOCUMENTS)[number * each : (number + 1) * each]])
        outcome = ship(journal, [choice], within=90)[0]
        assert (outcome.pending, outcome.rejected) == (0, 0), outcome.trouble
        return True

    actions: list[Callable[[Lake, str], None]] = [kill, restart, freeze]
    for action in actions:
        ship_part()
        thread = threading.Thread(target=action, args=(lake, service))
        thread.start()
        for _ in range(PARTS // len(actions) - 2):
            ship_part()
        thread.join()
    while ship_part():
        pass


class Reading(threading.Thread):
    """Consumes until all documents have come, whatever happens to the broker meanwhile."""

    def __init__(self, opened: Callable[[], Source]) -> None:
        super().__init__(daemon=True)
        self.ids: set[str] = set()
        self.reopened = 0
        self._opened = opened
        self.start()

    def run(self) -> None:
        deadline = time.monotonic() + 200
        while len(self.ids) < DOCUMENTS and time.monotonic() < deadline:
            try:
                self._read(deadline)
            except SinkTrouble:
                self.reopened += 1
                time.sleep(0.2)

    def _read(self, deadline: float) -> None:
        source = self._opened()
        try:
            while len(self.ids) < DOCUMENTS and time.monotonic() < deadline:
                got = source.receive(1000, 1)
                self.ids.update(json.loads(message.body)["_id"] for message in got)
                source.acknowledge()
        finally:
            source.close()

    def all_of_them(self) -> bool:
        """Wait for the end, and say whether all have come and nothing else."""
        self.join()
        return self.ids == {f"{n:032x}" for n in range(DOCUMENTS)}
