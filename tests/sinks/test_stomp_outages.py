"""Nothing is lost on the way to ActiveMQ and back, whatever becomes of the broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lakecheck.model import SinkChoice
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.shipper import Outcome, ship
from tests.sinks.broker import Broker, Subscriber, items, journal_of


def ship_through(
    journal: Path,
    choice: SinkChoice,
    subscriber: Subscriber,
    misfortunes: dict[int, Callable[[], None]],
) -> Outcome:
    """Ship a journal; each misfortune comes once so many documents have gone all the way."""
    outcomes: list[Outcome] = []
    shipping = threading.Thread(target=lambda: outcomes.extend(ship(journal, [choice], within=90)))
    shipping.start()
    for received, come_about in misfortunes.items():
        while shipping.is_alive() and len(subscriber.different) < received:
            time.sleep(0.01)
        come_about()
    shipping.join(100)
    return outcomes[0]


def test_twenty_thousand_documents_through_every_misfortune(
    activemq: Broker, tmp_path: Path
) -> None:
    topic, count = "/topic/lakecheck.misfortunes", 20_000
    activemq.subscribe(topic, client_id="durable")
    subscriber = Subscriber(activemq, topic, client_id="durable")
    journal = journal_of(tmp_path, count)

    def freeze() -> None:
        with activemq.frozen():
            time.sleep(4.5)

    misfortunes = {2_000: activemq.kill, 7_000: activemq.restart, 12_000: freeze}
    outcome = ship_through(journal, activemq.choice(topic), subscriber, misfortunes)
    subscriber.until(count)

    assert (outcome.shipped, outcome.pending, outcome.trouble) == (count, 0, "")
    assert subscriber.different == {each.id for each in items(count)}
    # What was on its way comes twice, not all.
    assert len(subscriber.ids) < count + 4000
    assert any("silent" in trouble for trouble in subscriber.troubles), subscriber.troubles


def test_one_of_a_pair_may_die(activemq_pair: Broker, tmp_path: Path) -> None:
    queue, count = "/queue/lakecheck.pair", 10_000
    urls = activemq_pair.settings["urls"]
    subscriber = Subscriber(activemq_pair, queue, url=tuple(reversed(urls)))
    journal = journal_of(tmp_path, count)

    def kill_the_other() -> None:
        activemq_pair.until_up(0)
        activemq_pair.kill(1)

    misfortunes = {1_000: lambda: activemq_pair.kill(0), 5_000: kill_the_other}
    outcome = ship_through(journal, activemq_pair.choice(queue), subscriber, misfortunes)
    subscriber.until(count)

    assert (outcome.shipped, outcome.pending, outcome.trouble) == (count, 0, "")
    assert subscriber.different == {each.id for each in items(count)}


def test_a_frozen_broker_holds_nobody_for_long(activemq: Broker) -> None:
    sink = activemq.sink("/queue/lakecheck.frozen", timeout=2.0)
    sink.deliver(items(1))
    with activemq.frozen():
        began = time.monotonic()
        with pytest.raises(
            SinkTrouble, match=r"silent for 3.5 s|takes nothing more since 2 s|has not"
        ):
            sink.deliver(items(2000, case="x" * 2000))
        with pytest.raises(SinkTrouble, match="does not answer within 2 s; it is frozen"):
            sink.deliver(items(2000))
        assert time.monotonic() - began < 10
    assert sink.deliver(items(2000)) == []
    assert len(set(activemq.take("/queue/lakecheck.frozen", 2000))) == 2000


def test_a_frozen_broker_behind_tls_holds_nobody_for_long(activemq: Broker) -> None:
    sink = activemq.sink("/queue/lakecheck.frozen-tls", timeout=2.0, url=activemq.settings["tls"])
    sink.deliver(items(1))
    with activemq.frozen():
        with pytest.raises(
            SinkTrouble, match=r"silent for 3.5 s|takes nothing more since 2 s|has not"
        ):
            sink.deliver(items(2000, case="x" * 2000))
        with pytest.raises(SinkTrouble, match="does not answer TLS within 2 s"):
            sink.deliver(items(2000))
        sink.close()


def test_a_durable_subscriber_who_is_away_blocks_nobody_for_ever(activemq: Broker) -> None:
    topic = "/topic/lakecheck.narrow.away"
    activemq.subscribe(topic, client_id="away")
    sink = activemq.sink(topic, timeout=1.0)
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(SinkTrouble, match="lives but has not confirmed"):
            sink.deliver(items(2000, case="x" * 500))
        assert time.monotonic() - began < 8

    subscriber = Subscriber(activemq, topic, client_id="away")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert sink.deliver(items(2000, case="x" * 500)) == []
            break
        except SinkTrouble:
            time.sleep(0.2)
    subscriber.until(2000)
    assert len(subscriber.different) == 2000


def test_a_full_store_is_told(activemq: Broker) -> None:
    began = time.monotonic()
    with pytest.raises(SinkTrouble, match="memory or store is probably full"):
        activemq.sink("/queue/lakecheck.full.store", timeout=1.0).deliver(items(2000))
    assert time.monotonic() - began < 5
