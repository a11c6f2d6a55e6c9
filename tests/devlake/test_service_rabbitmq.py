"""RabbitMQ as a service of the lake."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import psutil
import pytest

from lakecheck.devlake import Lake
from lakecheck.devlake.account import server_account
from tests.devlake.services import killed_is_started_again, listening, owners, service


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with service(tmp_path_factory.mktemp("rabbitmq"), "rabbitmq") as lake:
        yield lake


def connect(lake: Lake) -> Any:
    env = (lake.folder / "env").read_text()
    url = env.partition("export AMQP_URL='")[2].partition("'")[0]
    return pika.BlockingConnection(pika.URLParameters(url))


def test_messages_stay_while_it_is_halted_and_killed(lake: Lake) -> None:
    connection = connect(lake)
    channel = connection.channel()
    channel.queue_declare("kept", durable=True)
    channel.confirm_delivery()
    for number in range(10):
        lasting = pika.BasicProperties(delivery_mode=2)
        channel.basic_publish("", "kept", str(number).encode(), lasting, mandatory=True)
    connection.close()

    lake.halt("rabbitmq")
    assert {server.state for server in lake.record.servers} == {"stopped"}
    assert listening(*lake.record.ports) == []  # epmd too
    lake.resume("rabbitmq")
    killed_is_started_again(lake, "rabbitmq")

    connection = connect(lake)
    channel = connection.channel()
    found = [channel.basic_get("kept", auto_ack=True)[2] for _ in range(10)]
    connection.close()
    assert found == [str(number).encode() for number in range(10)]


def test_it_runs_as_the_servers_account_on_loopback_only(lake: Lake) -> None:
    assert owners(lake) == {server_account().uid}
    first, last = lake.record.ports
    found = psutil.net_connections("tcp")
    addresses = {
        each.laddr.ip
        for each in found
        if each.status == psutil.CONN_LISTEN and first <= each.laddr.port <= last
    }
    assert addresses <= {"127.0.0.1", "::1"}


def test_looking_whether_it_is_ready_leaves_no_trace(lake: Lake) -> None:
    assert "closing AMQP connection" not in Path(lake.server("rabbitmq").log).read_text()
    assert "partial packet" not in Path(lake.record.home, "log", "rabbitmq-epmd.out").read_text()


def test_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake.start(tmp_path / "lake", only=[], services=["rabbitmq"])
    supervisor = psutil.Process(lake.record.supervisor.pid)
    family = supervisor.children(recursive=True)
    assert any("epmd" in process.name() for process in family)
    os.kill(supervisor.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    lake.stop()
