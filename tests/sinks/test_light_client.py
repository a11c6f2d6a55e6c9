"""The light client with a real broker: what it sends arrives, what the broker refuses is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakecheck.publish import main
from tests.sinks.broker import Broker


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def url(broker: Broker, way: str, queue: str, password: str = "") -> str:
    where = broker.settings[way].partition("://")
    return f"{where[0]}://pub:{password or broker.settings['password']}@{where[2]}/queue/{queue}"


@pytest.mark.parametrize("way", ["url", "tls"])
def test_what_waited_and_what_is_new_arrives(
    activemq: Broker, spool: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", activemq.settings["ca"])
    queue = f"lakecheck.light-{way}"
    wrong = url(activemq, way, queue, password="wrong")
    assert main(["check=ping", "n=1", "--to", wrong, "--spool", str(spool)]) == 10
    assert len(list(spool.glob("*.json"))) == 1

    right = url(activemq, way, queue)
    assert main(["check=ping", "n=2", "--to", right, "--spool", str(spool)]) == 0
    assert list(spool.glob("*.json")) == []

    consumer = activemq.source(f"/queue/{queue}")
    messages = consumer.receive(10, 5)
    consumer.acknowledge()
    consumer.close()
    assert [json.loads(message.body)["n"] for message in messages] == [1, 2]


def test_a_wrong_password_is_told_in_the_brokers_words(
    activemq: Broker, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = url(activemq, "url", "lakecheck.light", password="not-the-right-one")
    assert main(["n=1", "--to", wrong, "--spool", str(spool)]) == 10
    told = capsys.readouterr().err
    assert "User name [pub] or password is invalid" in told
    assert "not-the-right-one" not in told


def test_plain_words_to_a_tls_port_are_told(
    activemq: Broker, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = url(activemq, "tls", "lakecheck.light").replace("stomp+ssl", "stomp")
    assert main(["n=1", "--to", plain, "--spool", str(spool)]) == 10
    told = capsys.readouterr().err
    assert "it closed the connection; if it speaks TLS there, write stomp+ssl://" in told
