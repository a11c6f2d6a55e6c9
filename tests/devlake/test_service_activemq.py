"""ActiveMQ as a service of the lake."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakecheck.devlake import Lake
from tests.sinks.broker import Broker, Subscriber, item, items


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("lake-with-brokers")
    with Lake.start(folder, only=[], services=["activemq", "activemq-pair"]) as lake:
        yield Broker(lake, "activemq")


def test_specs_find_it_in_the_environment(broker: Broker) -> None:
    env = (broker.lake.folder / "env").read_text()
    settings = broker.settings
    assert f"export ACTIVEMQ_URL='{settings['url']}'" in env
    assert f"export ACTIVEMQ_TLS_URL='{settings['tls']}'" in env
    assert f"export ACTIVEMQ_PASSWORD='{settings['password']}'" in env
    assert Path(settings["ca"]).is_file()
    pair = broker.lake.services["activemq-pair"]
    assert f"export ACTIVEMQ_PAIR_URL_2='{pair['urls'][1]}'" in env


def test_data_stay_while_it_is_halted(broker: Broker) -> None:
    broker.sink("/queue/lakecheck.halted").deliver(items(100))
    broker.restart()
    assert len(broker.take("/queue/lakecheck.halted", 100)) == 100


def test_it_runs_as_the_servers_account(broker: Broker) -> None:
    server = broker.lake.server("activemq")
    assert server.process
    runs_as = psutil.Process(server.process.pid).uids().real
    assert runs_as != 0 or os.geteuid() == 0
    data = Path(broker.lake.record.home, "data", "activemq", "data")
    assert data.stat().st_uid == runs_as
    assert (server.version, server.state) == ("6.3.1", "up")


def test_looking_whether_it_is_ready_leaves_no_trace(broker: Broker) -> None:
    log = Path(broker.lake.server("activemq").log).read_text()
    assert "WARN" not in log
    assert "password" not in log


def test_messages_go_from_one_of_a_pair_to_the_other(broker: Broker) -> None:
    pair = Broker(broker.lake, "activemq-pair")
    first, second = pair.settings["urls"]
    consumer = Subscriber(pair, "/queue/lakecheck.across", url=second)
    pair.sink("/queue/lakecheck.across", url=first).deliver(items(100))
    consumer.until(100)
    assert len(set(consumer.ids)) == 100


def test_a_virtual_topic_reaches_consumers_of_both_of_a_pair_once(broker: Broker) -> None:
    pair = Broker(broker.lake, "activemq-pair")
    near, far = pair.settings["urls"]
    queue, prefetch = "/queue/Consumer.both.VirtualTopic.pair", 10
    consumers = [Subscriber(pair, queue, url=far, prefetch=prefetch)]
    sink = pair.sink("/topic/VirtualTopic.pair", url=near)
    first = 0
    while not consumers[0].ids:  # until the other broker knows of it
        assert sink.deliver([item(first)]) == []
        first += 1
        time.sleep(0.05)
        assert first < 400
    consumers.append(Subscriber(pair, queue, url=near, prefetch=prefetch))
    sent = items(first + 1000)[first:]
    assert sink.deliver(sent) == []

    wanted = {each.id for each in sent}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if wanted <= consumers[0].different | consumers[1].different:
            break
        time.sleep(0.05)
    for consumer in consumers:
        consumer.end()
    received = [each for consumer in consumers for each in consumer.ids if each in wanted]
    assert sorted(received) == sorted(wanted)
