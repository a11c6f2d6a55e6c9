"""Consuming from a real ActiveMQ."""

from __future__ import annotations

import time

import pytest

from lakecheck.sinks.base import SinkTrouble
from tests.sinks.broker import Broker, Subscriber, items


def test_what_is_not_acknowledged_comes_again(activemq: Broker) -> None:
    queue = "/queue/lakecheck.again"
    activemq.sink(queue).deliver(items(10))
    first = activemq.source(queue)
    assert len(first.receive(4, 5)) == 4
    first.acknowledge()
    rest = first.receive(100, 5)
    assert len(rest) == 6
    first.close()
    second = activemq.source(queue)
    assert [each.headers["_id"] for each in second.receive(100, 5)] == [
        each.headers["_id"] for each in rest
    ]
    second.acknowledge()
    second.close()
    assert activemq.take(queue, 1, within=0.5) == []


def test_nothing_there_is_no_trouble(activemq: Broker) -> None:
    consumer = activemq.source("/queue/lakecheck.empty")
    began = time.monotonic()
    assert consumer.receive(10, 0.3) == []
    assert 0.2 < time.monotonic() - began < 2
    consumer.acknowledge()
    consumer.close()


def test_two_share_a_virtual_topic_and_a_third_has_all(activemq: Broker) -> None:
    shared = "/queue/Consumer.shared.VirtualTopic.results"
    others = "/queue/Consumer.other.VirtualTopic.results"
    consumers = [Subscriber(activemq, shared, prefetch=10) for _ in range(2)]
    alone = Subscriber(activemq, others)
    for queue in (shared, others):
        activemq.subscribe(queue)  # now the queues are there for sure

    activemq.sink("/topic/VirtualTopic.results").deliver(items(1000))
    alone.until(1000)
    deadline = time.monotonic() + 10
    while sum(len(each.ids) for each in consumers) < 1000 and time.monotonic() < deadline:
        time.sleep(0.05)
    for each in consumers:
        each.end()

    assert len(alone.ids) == 1000
    assert sorted(consumers[0].ids + consumers[1].ids) == sorted(alone.ids)
    assert all(each.ids for each in consumers)


def test_several_destinations_at_once(activemq: Broker) -> None:
    names = ("/queue/lakecheck.several-1", "/queue/lakecheck.several-2")
    for name in names:
        activemq.sink(name).deliver(items(50))
    consumer = activemq.source(names)
    found = []
    while len(found) < 100:
        found += (got := consumer.receive(30, 5))
        assert got
        consumer.acknowledge()
    consumer.close()
    assert [sum(each.origin == name for each in found) for name in names] == [50, 50]


def test_a_durable_subscription_is_taken_over(activemq: Broker) -> None:
    topic = "/topic/lakecheck.held"
    holder = activemq.source(topic, client_id="held")
    with pytest.raises(SinkTrouble, match="another consumer holds the subscription") as caught:
        activemq.source(topic, client_id="held")
    assert not caught.value.lasting
    follower = Subscriber(activemq, topic, client_id="held")
    time.sleep(0.5)
    holder.close()
    activemq.sink(topic).deliver(items(10))
    follower.until(10)
    assert len(follower.ids) == 10


@pytest.mark.parametrize("way", ["url", "tls"])
def test_a_slow_consumer_is_not_taken_for_dead(activemq: Broker, way: str) -> None:
    topic = f"/topic/lakecheck.slow-{way}"
    consumer = activemq.source(
        topic, client_id=f"slow-{way}", heartbeat=0.5, url=activemq.settings[way]
    )
    time.sleep(2.5)  # as long as a disk may be busy
    assert consumer.receive(10, 2.5) == []  # quiet, and still connected
    activemq.sink(topic).deliver(items(3))
    assert len(consumer.receive(10, 5)) >= 1
    consumer.close()


def test_a_missing_right_is_told(activemq: Broker) -> None:
    with pytest.raises(SinkTrouble, match="a right is missing") as caught:
        activemq.source("/queue/somebody.elses")
    assert caught.value.lasting


def test_a_frozen_broker_is_told(activemq: Broker) -> None:
    consumer = activemq.source("/queue/lakecheck.quiet", heartbeat=0.5)
    with activemq.frozen():
        began = time.monotonic()
        with pytest.raises(SinkTrouble, match=r"has been silent for 2\.25 s"):
            consumer.receive(10, 20)
        assert time.monotonic() - began < 10
        consumer.close()
