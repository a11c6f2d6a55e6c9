"""One server of each sort for all tests of sinks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakecheck.devlake import Lake
from tests.sinks.broker import Broker
from tests.sinks.search import Store


@pytest.fixture(scope="package")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake with Kafka only."""
    folder = tmp_path_factory.mktemp("kafka")
    with Lake.start(folder, only=[], services=["kafka"]) as lake:
        yield lake


@pytest.fixture(scope="package")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake with RabbitMQ only."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    with Lake.start(folder, only=[], services=["rabbitmq"]) as lake:
        yield lake


@pytest.fixture(scope="package")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake with PostgreSQL only."""
    folder = tmp_path_factory.mktemp("postgresql")
    with Lake.start(folder, only=[], services=["postgresql"]) as lake:
        yield lake


@pytest.fixture(scope="package")
def activemq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker; a test that stops it or lets it hang has it running again at its end."""
    folder = tmp_path_factory.mktemp("activemq")
    with Lake.start(folder, only=[], services=["activemq"]) as lake:
        yield Broker(lake, "activemq")


@pytest.fixture(scope="package")
def activemq_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Two brokers that pass messages on to each other."""
    folder = tmp_path_factory.mktemp("activemq-pair")
    with Lake.start(folder, only=[], services=["activemq-pair"]) as lake:
        yield Broker(lake, "activemq-pair")


@pytest.fixture(scope="package")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """OpenSearch; every test has indices of its own."""
    with Lake.start(tmp_path_factory.mktemp("os"), only=[], services=["opensearch"]) as lake:
        yield Store(lake, "opensearch")


@pytest.fixture(scope="package")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Elasticsearch; every test has indices of its own."""
    with Lake.start(tmp_path_factory.mktemp("es"), only=[], services=["elasticsearch"]) as lake:
        yield Store(lake, "elasticsearch")


@pytest.fixture(scope="package")
def opensearch_secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """OpenSearch with TLS and passwords, seen by its administrator."""
    folder = tmp_path_factory.mktemp("secure")
    with Lake.start(folder, only=[], services=["opensearch-secure"]) as lake:
        yield Store(lake, "opensearch-secure", "admin")


@pytest.fixture(params=["opensearch", "elasticsearch"])
def search_store(request: pytest.FixtureRequest) -> Store:
    """Both, one after the other."""
    found: Store = request.getfixturevalue(request.param)
    return found
