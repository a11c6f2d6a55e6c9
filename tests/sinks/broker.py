"""A real ActiveMQ as tests use it: its clients, and its misfortunes."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks import stomp
from lakecheck.sinks.base import Item, SinkTrouble
from lakecheck.sinks.sources import stomp as source


class Broker:
    """The service `activemq` or `activemq-pair` of a lake."""

    def __init__(self, lake: Lake, name: str) -> None:
        self.lake, self.name = lake, name
        self.settings = lake.services[name]

    def options(self, destination: str, **more: Any) -> stomp.Options:
        """What a sink needs, with little patience."""
        given = {
            "url": tuple(self.settings["urls"]),
            "user": "pub",
            "password": self.settings["password"],
            "ca": self.settings["ca"],
            "heartbeat": 1.0,
            "timeout": 5.0,
        }
        return stomp.Options(destination=destination, **given | more)

    def sink(self, destination: str, **more: Any) -> stomp.StompSink:
        return stomp.StompSink(self.options(destination, **more))

    def choice(self, destination: str, **more: Any) -> SinkChoice:
        return SinkChoice("stomp", "stomp", self.options(destination, **more))

    def source(self, destination: str | tuple[str, ...], **more: Any) -> source.StompSource:
        given = {
            "url": tuple(self.settings["urls"]),
            "user": "sub",
            "password": self.settings["users"]["sub"],
            "ca": self.settings["ca"],
            "heartbeat": 1.0,
            "timeout": 5.0,
        }
        return source.StompSource(source.Options(destination=destination, **given | more))

    def subscribe(self, destination: str, **more: Any) -> None:
        """Make a subscription that stays."""
        self.source(destination, **more).close()

    def take(self, destination: str, count: int, within: float = 20.0, **more: Any) -> list[str]:
        """Consume until so many different ones have come, and give the ids of all."""
        found: list[str] = []
        consumer = self.source(destination, **more)
        deadline = time.monotonic() + within
        while len(set(found)) < count and time.monotonic() < deadline:
            found += [message.headers["_id"] for message in consumer.receive(1000, 0.5)]
            consumer.acknowledge()
        consumer.close()
        return found

    def kill(self, number: int = 0) -> None:
        """Kill it as a crash would; its supervisor starts it again."""
        os.kill(self._pid(number), signal.SIGKILL)

    @contextmanager
    def frozen(self, number: int = 0) -> Iterator[None]:
        """Let it hang, with its connections open."""
        pid = self._pid(number)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def until_up(self, number: int = 0, within: float = 60.0) -> None:
        """Wait until it has been started again."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            try:
                self.source("/queue/lakecheck.up", url=self.settings["urls"][number]).close()
                return
            except SinkTrouble:
                time.sleep(0.1)
        raise AssertionError(f"{self.name} does not come back")

    def restart(self) -> None:
        """Stop it in order, and start it again."""
        self.lake.halt(self.name)
        time.sleep(0.5)
        self.lake.resume(self.name)

    def _pid(self, number: int) -> int:
        several = len(self.settings["urls"]) > 1
        server = self.lake.server(f"{self.name}-{number + 1}" if several else self.name)
        assert server.process
        return server.process.pid


class Subscriber(threading.Thread):
    """Consumes as `lakecheck consume` does: acknowledges what it has, and comes back for ever."""

    def __init__(self, broker: Broker, destination: str, **more: Any) -> None:
        super().__init__(daemon=True)
        self.ids: list[str] = []
        self.different: set[str] = set()
        self.troubles: list[str] = []
        self._broker, self._destination, self._more = broker, destination, more
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.is_set():
            consumer = None
            try:
                consumer = self._broker.source(self._destination, **self._more)
                while not self._ended.is_set():
                    ids = [each.headers["_id"] for each in consumer.receive(1000, 0.2)]
                    self.ids += ids
                    self.different.update(ids)
                    consumer.acknowledge()
            except SinkTrouble as error:
                self.troubles.append(str(error))
                time.sleep(0.2)
            finally:
                if consumer is not None:
                    consumer.close()

    def until(self, count: int, within: float = 30.0) -> None:
        """Wait until so many different messages have come, then leave."""
        deadline = time.monotonic() + within
        while len(self.different) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        self.end()

    def end(self) -> None:
        self._ended.set()
        self.join(20)


def document(number: int, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-21T09:00:00.000Z",
        "_id": f"{number:032x}",
        "document": "result",
        "kind": "functional",
        "status": "passed",
        **more,
    }


def item(number: int, **more: Any) -> Item:
    return Item(json.dumps(document(number, **more), separators=(",", ":")).encode())


def items(count: int, **more: Any) -> list[Item]:
    return [item(number, **more) for number in range(count)]


def journal_of(folder: Path, count: int) -> Path:
    """A run's journal with so many documents of 700 bytes."""
    path = folder / "run" / "results.ndjson"
    path.parent.mkdir()
    path.write_bytes(b"".join(each.raw + b"\n" for each in items(count, case="x" * 560)))
    return path
