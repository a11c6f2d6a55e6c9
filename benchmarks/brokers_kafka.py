"""Kafka: the sink and the source against plain loops with confluent-kafka and the same guarantee.

The guarantee: the producer is idempotent, all replicas acknowledge, no message is without its
delivery report in the end, and its key is its check's address, so that Kafka keeps a check's
documents in order; consuming, offsets are committed for what is written to a file.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from measure import verdict

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks import kafka as sink
from lakecheck.sinks.shipper import ship
from lakecheck.sinks.sources import kafka as source
from lakecheck.sinks.sources.kafka_consumer import KafkaSource

EVERY, PROMISED = 500, 0.8
WITHIN = 300  # s


def line(number: int) -> str:
    """A document of 700 bytes."""
    head = f'{{"@timestamp":"2026-11-21T09:00:00.000Z","_id":"{number:032x}","document":"result",'
    what = f'"test":"gfal","kind":"functional","case":"LAKE-{number % 300}.davs","check":"stat",'
    return head + what + f'"status":"passed","text":"{"x" * 500}"}}'


class Reports:
    """Counts what was delivered."""

    def __init__(self) -> None:
        self.delivered = 0

    def note(self, error: object, message: object) -> None:
        """One more."""
        if error is not None:
            raise SystemExit(f"confluent-kafka did not deliver: {error}")
        self.delivered += 1


def publish_bare(journal: Path, topic: str, brokers: str) -> None:
    """Read lines and produce them."""
    settings = {"enable.idempotence": True, "acks": "all", "linger.ms": 5}
    producer = Producer({"bootstrap.servers": brokers, "compression.type": "lz4", **settings})
    reports, count = Reports(), 0
    with journal.open("rb") as file:
        for each in file:
            count += 1
            document = json.loads(each)
            key = f"{document['test']}::{document['case']}.{document['check']}"
            while True:
                try:
                    producer.produce(topic, each[:-1], key, on_delivery=reports.note)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
    producer.flush(WITHIN)
    if reports.delivered != count:
        raise SystemExit(f"confluent-kafka delivered {reports.delivered} of {count}")


def publish_ours(journal: Path, topic: str, brokers: str) -> None:
    """Ship it."""
    choice = SinkChoice(topic, "kafka", sink.Options(brokers=brokers, topic=topic))
    (outcome,) = ship(journal, [choice], WITHIN)
    if outcome.pending or outcome.trouble:
        raise SystemExit(f"not all was shipped: {outcome}")


def consume_bare(file: io.BufferedWriter, topic: str, count: int, brokers: str) -> None:
    """Consume, write, commit."""
    settings: dict[str, Any] = {"bootstrap.servers": brokers, "group.id": topic}
    settings |= {"auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    seen, deadline = 0, time.monotonic() + WITHIN
    while seen < count and time.monotonic() < deadline:
        messages = consumer.consume(min(EVERY, count - seen), 1)
        for message in messages:
            if message.error():
                raise SystemExit(f"confluent-kafka did not consume: {message.error()}")
            file.write((message.value() or b"") + b"\n")
        file.flush()
        if messages:
            consumer.commit(asynchronous=False)
        seen += len(messages)
    consumer.close()


def consume_ours(file: io.BufferedWriter, topic: str, count: int, brokers: str) -> None:
    """Receive, write, acknowledge."""
    consumer = KafkaSource(source.Options(brokers=brokers, topics=(topic,), group=topic))
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


def one_turn(folder: Path, count: int, brokers: str, name: str, ours: bool) -> tuple[float, float]:
    """Documents a second, published and consumed; ends the benchmark if any is missing."""
    topic = f"lakecheck.{name}"
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(WITHIN)
    journal = folder / name / "results.ndjson"
    journal.parent.mkdir()
    with journal.open("w") as file:
        file.writelines(line(number) + "\n" for number in range(count))
    publish, consume = (publish_ours, consume_ours) if ours else (publish_bare, consume_bare)
    published = rate(count, lambda: publish(journal, topic, brokers))
    received = folder / name / "received"
    with received.open("wb") as file:
        consumed = rate(count, lambda: consume(file, topic, count, brokers))
    with received.open("rb") as file:
        different = {json.loads(each)["_id"] for each in file}
    if len(different) != count:
        raise SystemExit(f"{len(different)} of {count} documents came through")
    return published, consumed


def compare(folder: Path, count: int, turns: int) -> None:
    """Take turns with the plain loops, since the machine may be quicker now than later."""
    ratios: list[tuple[float, float]] = []
    with Lake.start(folder / "lake", only=[], services=["kafka"]) as lake:
        brokers = str(lake.services["kafka"]["url"])
        one_turn(folder, min(count, 2000), brokers, "warm-bare", False)
        one_turn(folder, min(count, 2000), brokers, "warm-ours", True)
        for turn in range(turns):
            order = (True, False) if turn % 2 else (False, True)
            seen = {
                ours: one_turn(folder, count, brokers, f"turn-{turn}-{ours}", ours)
                for ours in order
            }
            ratios.append((seen[True][0] / seen[False][0], seen[True][1] / seen[False][1]))
            print(
                f"Kafka, {count} documents: published {seen[True][0]:.0f}/s by the shipper and "
                f"{seen[False][0]:.0f}/s by confluent-kafka's loop: {ratios[-1][0]:.2f}; consumed "
                f"{seen[True][1]:.0f}/s and {seen[False][1]:.0f}/s: {ratios[-1][1]:.2f}"
            )
    for number, what in enumerate(("publishing", "consuming")):
        middle = median(ratio[number] for ratio in ratios)
        met, wanted = middle >= PROMISED, f"at least {PROMISED}"
        verdict(f"Kafka: our rate {what} over confluent-kafka's", middle, wanted, met)
