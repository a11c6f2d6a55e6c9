"""AMQP's sink and source on a RabbitMQ of its own."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks.amqp import Options
from lakecheck.sinks.amqp_publisher import AmqpSink
from lakecheck.sinks.base import Item, SinkTrouble
from lakecheck.sinks.shipper import ship, target_of
from lakecheck.sinks.sources import amqp as source
from lakecheck.sinks.sources.amqp_consumer import AmqpSource
from lakecheck.sinks.sources.base import Message
from lakecheck.units import Duration
from tests.sinks.outages import Reading, freeze, result, ship_through_outages, write


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A queue's name that no other test uses."""
    return re.sub(r"\W+", "-", str(request.node.name))


@pytest.fixture
def channel(rabbitmq: Lake) -> Iterator[Any]:
    """A channel of pika's, to arrange things."""
    known = rabbitmq.services["rabbitmq"]
    parameters = pika.URLParameters(known["url"] + "/%2F")
    parameters.credentials = pika.PlainCredentials(known["user"], known["password"])
    connection = pika.BlockingConnection(parameters)
    yield connection.channel()
    connection.close()


def access(lake: Lake, **more: Any) -> dict[str, Any]:
    known = lake.services["rabbitmq"]
    return {"url": known["url"], "user": known["user"], "password": known["password"], **more}


def to_amqp(lake: Lake, **more: Any) -> SinkChoice:
    return SinkChoice("amqp", "amqp", Options(**access(lake, **more)))


def items(*documents: dict[str, Any]) -> list[Item]:
    return [Item(json.dumps(each, separators=(",", ":")).encode()) for each in documents]


def publish(options: Options, *documents: dict[str, Any]) -> None:
    sink = AmqpSink(options)
    assert sink.deliver(items(*documents)) == []
    sink.close()


def consumed(lake: Lake, queue: str) -> list[Message]:
    """Read what is in a queue until nothing comes any more."""
    reader = AmqpSource(source.Options(**access(lake, queue=queue)))
    found: list[Message] = []
    try:
        while got := reader.receive(5000, 1):
            found += got
            reader.acknowledge()
    finally:
        reader.close()
    return found


def ids(messages: list[Message]) -> list[str]:
    return [json.loads(message.body)["_id"] for message in messages]


def test_documents_go_into_a_queue(rabbitmq: Lake, name: str, tmp_path: Path, channel: Any) -> None:
    choice = to_amqp(rabbitmq, routing_key=name, queue=name)
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(500)])
    assert ship(journal, [choice])[0].shipped == 500
    url = rabbitmq.services["rabbitmq"]["url"]
    assert target_of(choice) == f"{url} queue {name}"

    method, properties, body = channel.basic_get(name)
    assert body == journal.read_bytes().splitlines()[0]
    assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
    assert properties.message_id == f"{0:032x}"
    channel.basic_nack(method.delivery_tag)
    found = consumed(rabbitmq, name)
    assert sorted(ids(found)) == [f"{n:032x}" for n in range(500)]
    assert {message.origin for message in found} == {name}
    assert found[0].headers == {"message_id": ids(found)[0]}


def test_by_an_exchange_and_the_routing_key_of_their_kind(
    rabbitmq: Lake, name: str, channel: Any
) -> None:
    channel.exchange_declare(name, "topic", durable=True)
    channel.queue_declare(f"{name}-tpc", durable=True)
    channel.queue_bind(f"{name}-tpc", name, "lakecheck.result.tpc")
    given = access(rabbitmq, exchange=name, queue=name, routing_key="lakecheck.{document}.{kind}")
    publish(Options(**given), result(1), result(2, kind="tpc"))
    assert len(consumed(rabbitmq, name)) == 2
    assert ids(consumed(rabbitmq, f"{name}-tpc")) == [f"{2:032x}"]


def test_each_is_there_whatever_happens_to_the_broker(
    rabbitmq: Lake, name: str, tmp_path: Path
) -> None:
    choice = to_amqp(rabbitmq, routing_key=name, queue=name)
    publish(choice.options, result(0))  # which declares the queue
    options = source.Options(**access(rabbitmq, queue=name))
    reading = Reading(lambda: AmqpSource(options))
    ship_through_outages(rabbitmq, "rabbitmq", tmp_path / "results.ndjson", choice)
    assert reading.all_of_them()


def test_shipped_twice_is_told_apart_by_id(rabbitmq: Lake, name: str, tmp_path: Path) -> None:
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(100)])
    choice = to_amqp(rabbitmq, routing_key=name, queue=name)
    ship(journal, [choice])
    ship(journal, [choice], again=True)
    found = Counter(ids(consumed(rabbitmq, name)))
    assert (len(found), set(found.values())) == (100, {2})


def test_a_torn_line_stops_no_other(rabbitmq: Lake, name: str, tmp_path: Path) -> None:
    journal = write(tmp_path / "results.ndjson", [result(1), result(2)])
    good = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(good[0] + good[1][:-9] + b"\n" + good[1])
    choice = to_amqp(rabbitmq, queue=name, routing_key=name)
    outcome = ship(journal, [choice], within=30)[0]
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (2, 1, 0)


def test_what_no_queue_takes_is_trouble(rabbitmq: Lake, name: str, channel: Any) -> None:
    with pytest.raises(SinkTrouble) as it:
        AmqpSink(Options(**access(rabbitmq, routing_key=name))).deliver(items(result(1)))
    where = rabbitmq.services["rabbitmq"]["url"].removeprefix("amqp://")
    assert str(it.value) == (
        f'at the broker {where}, the default exchange has no queue for "{name}"; '
        "declare it, with queue:"
    )
    assert it.value.lasting

    channel.exchange_declare(name, "direct")
    with pytest.raises(SinkTrouble, match=r"has no queue for .*; bind one") as it:
        AmqpSink(Options(**access(rabbitmq, exchange=name))).deliver(items(result(1)))
    assert it.value.lasting


def test_over_tls(rabbitmq: Lake, name: str) -> None:
    known = rabbitmq.services["rabbitmq"]
    secure = access(rabbitmq, url=known["secure"], ca=known["ca"])
    publish(Options(**secure, routing_key=name, queue=name), result(1), result(2))
    assert len(consumed(rabbitmq, name)) == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"password": "not-the-right-one"}, 'does not accept "lake"'),
        ({"vhost": "/nowhere"}, 'does not let "lake" into the virtual host "nowhere"'),
        ({"exchange": "nowhere"}, "no exchange 'nowhere' in vhost '/'"),
        ({"user": "stranger"}, 'gives "stranger" no right: access to'),
        ({"secure": True}, 'no TLS: .*certificate.*; "ca" names whom to trust'),
    ],
)
def test_what_waiting_does_not_cure_is_told_at_once(
    rabbitmq: Lake, wrong: dict[str, Any], told: str
) -> None:
    known = rabbitmq.services["rabbitmq"]
    given = access(rabbitmq, queue="wrong", **wrong)
    if wrong.get("user") == "stranger":
        given["password"] = known["stranger"]
    given["url"] += given.pop("vhost", "")
    if given.pop("secure", False):
        given["url"] = known["secure"]
    began = time.monotonic()
    with pytest.raises(SinkTrouble, match=told) as it:
        AmqpSink(Options(**given)).deliver(items(result(1)))
    assert it.value.lasting
    assert time.monotonic() - began < 10


def test_nobody_there_is_told_soon() -> None:
    with pytest.raises(SinkTrouble, match=r"127\.0\.0\.1:9 does not answer: .*refused") as it:
        AmqpSink(Options(url="amqp://127.0.0.1:9")).deliver(items(result(1)))
    assert not it.value.lasting


def test_a_queue_that_is_full_is_no_reason_to_give_up(
    rabbitmq: Lake, name: str, channel: Any
) -> None:
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    channel.queue_declare(name, durable=True, arguments=full)
    sink = AmqpSink(Options(**access(rabbitmq, routing_key=name)))
    with pytest.raises(SinkTrouble, match="has refused 2 documents; is a queue full") as it:
        sink.deliver(items(result(1), result(2), result(3)))
    sink.close()
    assert not it.value.lasting


def test_a_frozen_broker_is_left_in_time(rabbitmq: Lake, name: str) -> None:
    options = Options(**access(rabbitmq, routing_key=name, queue=name), timeout=Duration(1))
    sink = AmqpSink(options)
    while True:  # a machine that is busy needs more than a second for the first one
        try:
            assert sink.deliver(items(result(1))) == []
            break
        except SinkTrouble:
            time.sleep(0.1)
    reader = AmqpSource(source.Options(**access(rabbitmq, queue=name)))
    freezing = threading.Thread(target=freeze, args=(rabbitmq, "rabbitmq", 6.0))
    freezing.start()
    time.sleep(0.2)
    began = time.monotonic()
    with pytest.raises(SinkTrouble, match="has not confirmed 1 documents within 1 s"):
        sink.deliver(items(result(2)))
    with pytest.raises(SinkTrouble, match="does not answer"):
        sink.deliver(items(result(2)))
    reader.receive(10, 0.1)
    reader.close()
    assert time.monotonic() - began < 6
    assert freezing.is_alive()
    freezing.join()
    publish(Options(**access(rabbitmq, routing_key=name)), result(2))


def test_what_is_not_acknowledged_comes_again(rabbitmq: Lake, name: str, tmp_path: Path) -> None:
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(100)])
    ship(journal, [to_amqp(rabbitmq, routing_key=name, queue=name)])
    options = source.Options(**access(rabbitmq, queue=name))
    first = AmqpSource(options)
    kept: list[Message] = []
    while len(kept) < 40:
        kept += first.receive(40 - len(kept), 10)
    first.acknowledge()
    assert first.receive(10, 10)
    first.close()
    rest = consumed(rabbitmq, name)
    assert sorted(ids(kept + rest)) == [f"{n:032x}" for n in range(100)]
    assert not set(ids(kept)) & set(ids(rest))


def test_a_queue_that_is_deleted_is_told(rabbitmq: Lake, name: str, channel: Any) -> None:
    channel.queue_declare(name)
    reader = AmqpSource(source.Options(**access(rabbitmq, queue=name)))
    channel.queue_delete(name)
    with pytest.raises(SinkTrouble, match=f'the queue "{name}" .* was deleted'):
        reader.receive(1, 10)
    reader.close()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"queue": "nowhere"}, "no queue 'nowhere' in vhost '/'"),
        ({"password": "not-the-right-one"}, 'does not accept "lake"'),
        ({"url": "amqp://127.0.0.1:9"}, "does not answer: .*refused"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(
    rabbitmq: Lake, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(SinkTrouble, match=told):
        AmqpSource(source.Options(**access(rabbitmq, **{"queue": "x", **wrong})))
