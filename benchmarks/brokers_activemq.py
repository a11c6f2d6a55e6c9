"""ActiveMQ: the sink and the source against plain loops with stomp.py and the same guarantee.

The guarantee: messages are persistent, and each is covered by a receipt (for every hundredth, four
waited for at most) or, consuming, acknowledged (every hundredth, with all before it) once it is
written to a file.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import stomp
from measure import verdict

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks import stomp as sink
from lakecheck.sinks.shipper import ship
from lakecheck.sinks.sources import stomp as source

EVERY, OPEN, PROMISED = 100, 4, 0.8
WITHIN = 300  # s

Settings = dict[str, Any]


def line(number: int) -> str:
    """A document of 700 bytes."""
    head = f'{{"@timestamp":"2026-11-21T09:00:00.000Z","_id":"{number:032x}","document":"result",'
    return head + f'"kind":"functional","status":"passed","case":"{"x" * 540}"}}'


class Receipts(stomp.ConnectionListener):  # type: ignore[misc]
    """Counts the receipts that are not there yet."""

    def __init__(self) -> None:
        self.free = threading.Semaphore(OPEN)
        self.error = ""

    def on_receipt(self, frame: Any) -> None:
        """One more."""
        self.free.release()

    def on_error(self, frame: Any) -> None:
        """Remember what was wrong."""
        self.error = frame.body


def connect(settings: Settings, user: str, listener: Any) -> Any:
    """A connection of stomp.py's, with the settings that work."""
    host, _, port = settings["url"].removeprefix("stomp://").partition(":")
    connection = stomp.Connection12(
        [(host, int(port))], heartbeats=(5000, 5000), heart_beat_receive_scale=3
    )
    connection.set_listener("", listener)
    connection.connect(user, settings["users"][user], wait=True)
    return connection


def publish_bare(journal: Path, queue: str, settings: Settings) -> None:
    """Read lines and send them."""
    receipts = Receipts()
    connection = connect(settings, "pub", receipts)
    lines = journal.read_bytes().splitlines()
    for number, body in enumerate(lines, 1):
        headers = {"persistent": "true", "content-type": "application/json"}
        if number % EVERY == 0 or number == len(lines):
            if not receipts.free.acquire(timeout=WITHIN) or receipts.error:
                raise SystemExit(f"stomp.py got no receipt: {receipts.error}")
            headers["receipt"] = str(number)
        connection.send(queue, body, headers=headers)
    for _ in range(OPEN):
        receipts.free.acquire(timeout=WITHIN)
    connection.disconnect()


def publish_ours(journal: Path, queue: str, settings: Settings) -> None:
    """Ship it."""
    options = sink.Options(settings["url"], queue, user="pub", password=settings["users"]["pub"])
    (outcome,) = ship(journal, [SinkChoice(queue.rpartition("/")[2], "stomp", options)], WITHIN)
    if outcome.pending or outcome.trouble:
        raise SystemExit(f"not all was shipped: {outcome}")


class Writer(stomp.ConnectionListener):  # type: ignore[misc]
    """Writes what comes to a file, and acknowledges every hundredth when it is there."""

    def __init__(self, file: io.BufferedWriter, count: int) -> None:
        self.connection: Any = None
        self.ended = threading.Event()
        self._file, self._count, self._seen = file, count, 0

    def on_message(self, frame: Any) -> None:
        """Write one."""
        self._file.write(frame.body.encode() + b"\n")
        self._seen += 1
        if self._seen % EVERY == 0 or self._seen == self._count:
            self._file.flush()
            self.connection.ack(frame.headers["ack"])
        if self._seen == self._count:
            self.ended.set()


def consume_bare(file: io.BufferedWriter, queue: str, count: int, settings: Settings) -> None:
    """Subscribe, and let stomp.py's thread write."""
    writer = Writer(file, count)
    writer.connection = connection = connect(settings, "sub", writer)
    connection.subscribe(queue, "1", "client", {"activemq.prefetchSize": "1000"})
    if not writer.ended.wait(WITHIN):
        raise SystemExit("stomp.py did not get all")
    connection.disconnect()


def consume_ours(file: io.BufferedWriter, queue: str, count: int, settings: Settings) -> None:
    """Receive, write, acknowledge."""
    options = source.Options(settings["url"], queue, user="sub", password=settings["users"]["sub"])
    consumer = source.StompSource(options)
    seen, deadline = 0, time.monotonic() + WITHIN
    while seen < count and time.monotonic() < deadline:
        messages = consumer.receive(EVERY, 1)
        file.writelines(message.body + b"\n" for message in messages)
        file.flush()
        consumer.acknowledge()
        seen += len(messages)
    consumer.close()


def rate(count: int, work: Callable[[], None]) -> float:
    """How many a second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def one_turn(
    folder: Path, count: int, settings: Settings, name: str, ours: bool
) -> tuple[float, float]:
    """Documents a second, published and consumed; ends the benchmark if any is missing."""
    journal = folder / name / "results.ndjson"
    journal.parent.mkdir()
    with journal.open("w") as file:
        file.writelines(line(number) + "\n" for number in range(count))
    queue = f"/queue/lakecheck.{name}"
    publish, consume = (publish_ours, consume_ours) if ours else (publish_bare, consume_bare)
    published = rate(count, lambda: publish(journal, queue, settings))
    received = folder / name / "received"
    with received.open("wb") as file:
        consumed = rate(count, lambda: consume(file, queue, count, settings))
    with received.open("rb") as file:
        different = {json.loads(each)["_id"] for each in file}
    if len(different) != count:
        raise SystemExit(f"{len(different)} of {count} documents came through")
    return published, consumed


def compare(folder: Path, count: int, turns: int) -> None:
    """Take turns with the plain loops, since the machine may be quicker now than later."""
    ratios: deque[tuple[float, float]] = deque()
    with Lake.start(folder / "lake", only=[], services=["activemq"]) as lake:
        settings = lake.services["activemq"]
        one_turn(folder, min(count, 2000), settings, "warm-bare", False)
        one_turn(folder, min(count, 2000), settings, "warm-ours", True)
        for turn in range(turns):
            order = (True, False) if turn % 2 else (False, True)
            seen = {
                ours: one_turn(folder, count, settings, f"turn-{turn}-{ours}", ours)
                for ours in order
            }
            ratios.append((seen[True][0] / seen[False][0], seen[True][1] / seen[False][1]))
            print(
                f"ActiveMQ, {count} documents: published {seen[True][0]:.0f}/s by the shipper and "
                f"{seen[False][0]:.0f}/s by stomp.py's loop: {ratios[-1][0]:.2f}; consumed "
                f"{seen[True][1]:.0f}/s and {seen[False][1]:.0f}/s: {ratios[-1][1]:.2f}"
            )
    for number, what in enumerate(("publishing", "consuming")):
        middle = median(ratio[number] for ratio in ratios)
        met = middle >= PROMISED
        verdict(f"ActiveMQ: our rate {what} over stomp.py's", middle, f"at least {PROMISED}", met)
