"""Kafka's sink and source on a broker of its own."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks.base import Item, Rejection, SinkTrouble
from lakecheck.sinks.kafka import Options
from lakecheck.sinks.kafka_producer import KafkaSink
from lakecheck.sinks.shipper import Outcome, ship, target_of
from lakecheck.sinks.sources import kafka as source
from lakecheck.sinks.sources.base import Message
from lakecheck.sinks.sources.kafka_consumer import KafkaSource
from lakecheck.units import Duration
from tests.sinks.outages import Reading, freeze, result, ship_through_outages, write

MakeTopic = Callable[..., str]


@pytest.fixture
def topic(kafka: Lake, request: pytest.FixtureRequest) -> MakeTopic:
    """Makes a topic named after the test; settings of it by keyword."""
    admin = AdminClient({"bootstrap.servers": brokers(kafka), "log_level": 0})

    def make(suffix: str = "", partitions: int = 3, **config: Any) -> str:
        name = f"{request.node.name.replace('[', '-').rstrip(']')}{suffix}"
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        made = admin.create_topics([NewTopic(name, partitions, 1, config=settings)])
        for each in made.values():
            each.result(30)
        return name

    return make


def brokers(lake: Lake) -> str:
    return str(lake.services["kafka"]["url"])


def to_kafka(lake: Lake, topic: str, **more: Any) -> SinkChoice:
    return SinkChoice("kafka", "kafka", Options(brokers=brokers(lake), topic=topic, **more))


def securely(lake: Lake, **more: Any) -> Options:
    known = lake.services["kafka"]
    given = {"user": known["user"], "password": known["password"], "ca": known["ca"], **more}
    return Options(brokers=known["secure"], **given)


def items(*documents: dict[str, Any]) -> list[Item]:
    return [Item(json.dumps(each, separators=(",", ":")).encode()) for each in documents]


def consumed(lake: Lake, topics: str, wanted: int, group: str = "") -> list[Message]:
    """Read what is in a topic until nothing comes any more."""
    options = source.Options(
        brokers=brokers(lake), topics=(topics,), group=group or f"{topics}-{time.monotonic()}"
    )
    reader = KafkaSource(options)
    found: list[Message] = []
    try:
        while got := reader.receive(5000, 15 if len(found) < wanted else 0.5):
            found += got
        reader.acknowledge()
    finally:
        reader.close()
    return found


def ids(messages: list[Message]) -> list[str]:
    return [json.loads(message.body)["_id"] for message in messages]


def only(outcomes: list[Outcome]) -> Outcome:
    assert len(outcomes) == 1
    return outcomes[0]


def test_documents_go_to_the_topic_of_their_kind_by_their_check(
    kafka: Lake, topic: MakeTopic, tmp_path: Path
) -> None:
    name = topic("-functional")
    choice = to_kafka(kafka, name.removesuffix("functional") + "{kind}")
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(500)])
    assert target_of(choice) == f"kafka://{brokers(kafka)}/{choice.options.topic}"
    assert only(ship(journal, [choice])).shipped == 500

    reader = Consumer(
        {"bootstrap.servers": brokers(kafka), "group.id": name, "auto.offset.reset": "earliest"}
    )
    reader.subscribe([name])
    got: list[Any] = []
    while len(got) < 500:
        got += reader.consume(500 - len(got), 15)
    reader.close()
    assert [message.error() for message in got] == [None] * 500
    lines = {message.value() for message in got}
    assert lines == set(journal.read_bytes().splitlines())
    one = next(m for m in got if json.loads(m.value())["_id"] == f"{6:032x}")
    assert one.key() == b"gfal::LAKE-6.davs.100B.download"


def test_each_is_there_whatever_happens_to_the_broker(
    kafka: Lake, topic: MakeTopic, tmp_path: Path
) -> None:
    name = topic()
    options = source.Options(
        brokers=brokers(kafka),
        topics=(name,),
        group=name,
        config={"session.timeout.ms": 6000},
    )
    reading = Reading(lambda: KafkaSource(options))
    ship_through_outages(kafka, "kafka", tmp_path / "results.ndjson", to_kafka(kafka, name))
    assert reading.all_of_them()


def test_shipped_twice_is_told_apart_by_id(kafka: Lake, topic: MakeTopic, tmp_path: Path) -> None:
    name = topic()
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(100)])
    ship(journal, [to_kafka(kafka, name)])
    ship(journal, [to_kafka(kafka, name)], again=True)
    found = Counter(ids(consumed(kafka, name, 200)))
    assert set(found.values()) == {2}
    assert len(found) == 100


def test_a_topic_that_is_not_there_is_told_at_once(kafka: Lake) -> None:
    began = time.monotonic()
    with pytest.raises(SinkTrouble, match=r'has no topic "nowhere"; create it: kafka-topics') as it:
        KafkaSink(Options(brokers=brokers(kafka), topic="nowhere")).deliver(items(result(1)))
    assert it.value.lasting
    assert time.monotonic() - began < 10


def test_what_is_too_large_is_refused_alone(kafka: Lake, topic: MakeTopic, tmp_path: Path) -> None:
    name = topic(max_message_bytes=20_000)
    # One for the producer and one for the topic; the others are too large only together.
    wide = {7: result(7, text="x" * 2_000_000), 8: result(8, text=noise(50_000))}
    documents = [wide.get(n, result(n, text=noise(500))) for n in range(300)]
    journal = write(tmp_path / "results.ndjson", documents)
    outcome = only(ship(journal, [to_kafka(kafka, name)], within=60))
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (298, 2, 0), outcome.trouble
    assert outcome.dead_letters
    letters = [json.loads(line) for line in outcome.dead_letters.read_text().splitlines()]
    assert letters[0]["reason"].startswith('it is larger than "message.max.bytes"')
    assert letters[1]["reason"].startswith(f'the topic "{name}" does not take it')
    found = ids(consumed(kafka, name, 298))
    assert sorted(found) == [f"{n:032x}" for n in range(300) if n not in wide]


def noise(length: int) -> str:

    return random.Random(length).randbytes(length // 2).hex()


def test_over_tls_with_a_password(kafka: Lake, topic: MakeTopic) -> None:
    name = topic()
    sink = KafkaSink(securely(kafka, topic=name))
    assert sink.deliver(items(result(1), result(2))) == []
    sink.close()
    assert len(consumed(kafka, name, 2)) == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"password": "not-the-right-one"}, "does not accept who we are"),
        ({"ca": "/etc/ssl/certs/ca-certificates.crt"}, r'no TLS: .*certificate.*; "ca" names whom'),
        ({"config": {"no.such.setting": 1}}, r'config: No such configuration property: "no.such'),
        ({"config": {"linger.ms": "soon"}}, "config: Invalid value for configuration property"),
    ],
)
def test_what_waiting_does_not_cure_is_told_at_once(
    kafka: Lake, wrong: dict[str, Any], told: str
) -> None:
    began = time.monotonic()
    with pytest.raises(SinkTrouble, match=told) as it:
        KafkaSink(securely(kafka, **wrong)).deliver(items(result(1)))
    assert it.value.lasting
    assert time.monotonic() - began < 10


def test_a_torn_line_stops_no_other(kafka: Lake, topic: MakeTopic, tmp_path: Path) -> None:
    name = topic()
    journal = write(tmp_path / "results.ndjson", [result(1), result(2)])
    good = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(good[0] + good[1][:-9] + b"\n" + good[1])
    outcome = only(ship(journal, [to_kafka(kafka, name)], within=30))
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (2, 1, 0)


def test_without_the_right_to_write(kafka: Lake, topic: MakeTopic) -> None:
    options = securely(
        kafka, user="stranger", password=kafka.services["kafka"]["stranger"], topic=topic()
    )
    with pytest.raises(SinkTrouble, match="gives us no right to the topic") as it:
        KafkaSink(options).deliver(items(result(1)))
    assert it.value.lasting


def test_nobody_there_is_told_soon() -> None:
    began = time.monotonic()
    with pytest.raises(SinkTrouble, match=r"127\.0\.0\.1:9 does not answer: .*refused") as it:
        KafkaSink(Options(brokers="127.0.0.1:9")).deliver(items(result(1)))
    assert not it.value.lasting
    assert time.monotonic() - began < 10


def test_a_frozen_broker_is_left_in_time(kafka: Lake, topic: MakeTopic) -> None:
    sink = KafkaSink(Options(brokers=brokers(kafka), topic=topic(), timeout=Duration(1)))
    assert sink.deliver(items(result(1))) == []

    freezing = threading.Thread(target=freeze, args=(kafka, "kafka", 5.0))
    freezing.start()
    time.sleep(0.2)
    began = time.monotonic()
    with pytest.raises(SinkTrouble):
        sink.deliver(items(result(2)))
    assert time.monotonic() - began < 5
    assert freezing.is_alive()
    freezing.join()
    assert again_and_again(sink, items(result(2))) == []
    sink.close()


def again_and_again(sink: KafkaSink, what: list[Item]) -> list[Rejection]:
    """Deliver as a shipper does: once more after each trouble, for half a minute."""
    until = time.monotonic() + 30
    while True:
        try:
            return sink.deliver(what)
        except SinkTrouble:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def test_nothing_of_librdkafka_is_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SinkTrouble):
        KafkaSink(Options(brokers="127.0.0.1:9")).deliver(items(result(1)))
    assert capfd.readouterr() == ("", "")


def test_what_is_not_acknowledged_comes_again(
    kafka: Lake, topic: MakeTopic, tmp_path: Path
) -> None:
    name = topic(partitions=1)
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(100)])
    ship(journal, [to_kafka(kafka, name)])
    options = source.Options(brokers=brokers(kafka), topics=(name,), group=name)

    first = KafkaSource(options)
    kept = first.receive(40, 15)
    while len(kept) < 40:
        kept += first.receive(40 - len(kept), 15)
    first.acknowledge()
    lost = first.receive(10, 15)
    first.close()

    second = KafkaSource(options)
    rest = second.receive(1000, 15)
    while got := second.receive(1000, 1):
        rest += got
    second.acknowledge()
    second.close()
    assert len(kept) == 40
    assert lost
    assert ids(rest) == [f"{n:032x}" for n in range(40, 100)]
    assert {message.origin for message in rest} == {name}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"topics": ("nowhere",)}, 'has no topic "nowhere"'),
        ({"brokers": "127.0.0.1:9"}, "does not answer"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(
    kafka: Lake, wrong: dict[str, Any], told: str
) -> None:
    given = {"brokers": brokers(kafka), "topics": ("x",), **wrong}
    with pytest.raises(SinkTrouble, match=told):
        KafkaSource(source.Options(**given))
