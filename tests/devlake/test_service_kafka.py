"""Kafka as a service of the lake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from lakecheck.devlake import Lake
from lakecheck.devlake.account import server_account
from tests.devlake.services import killed_is_started_again, owners, service


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with service(tmp_path_factory.mktemp("kafka"), "kafka") as lake:
        yield lake


def test_specs_find_it_in_the_environment(lake: Lake) -> None:
    url = lake.services["kafka"]["url"]
    assert f"export KAFKA_BROKERS='{url}'" in (lake.folder / "env").read_text()
    server = lake.server("kafka")
    assert (server.version, server.state, server.address) == ("4.3.1", "up", url)


def test_messages_stay_while_it_is_halted_and_killed(lake: Lake) -> None:
    quiet = {"bootstrap.servers": lake.services["kafka"]["url"], "log_level": 0}
    admin = AdminClient(quiet)
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
    producer = Producer({**quiet, "acks": "all"})
    for number in range(100):
        producer.produce("kept", str(number))
    assert producer.flush(30) == 0
    del producer, admin

    lake.halt("kafka")
    assert lake.server("kafka").state == "stopped"
    lake.resume("kafka")
    killed_is_started_again(lake, "kafka")

    consumer = Consumer({**quiet, "group.id": "kept", "auto.offset.reset": "earliest"})
    consumer.subscribe(["kept"])
    found: list[bytes | None] = []
    while len(found) < 100 and (got := consumer.consume(100, 30)):
        found += [message.value() for message in got]
    consumer.close()
    assert found == [str(number).encode() for number in range(100)]


def test_it_runs_as_the_servers_account(lake: Lake) -> None:
    assert owners(lake) == {server_account().uid}
