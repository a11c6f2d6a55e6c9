"""PostgreSQL as a service of the lake."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from lakecheck.devlake import Lake
from lakecheck.devlake.account import server_account
from tests.devlake.services import killed_is_started_again, owners, service


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with service(tmp_path_factory.mktemp("postgresql"), "postgresql") as lake:
        yield lake


@pytest.fixture
def url(lake: Lake) -> str:
    env = (lake.folder / "env").read_text()
    return env.partition("export POSTGRESQL_URL='")[2].partition("'")[0]


def test_rows_stay_while_it_is_halted_and_killed(lake: Lake, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS number")
    lake.halt("postgresql")
    assert lake.server("postgresql").state == "stopped"
    lake.resume("postgresql")
    killed_is_started_again(lake, "postgresql")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchall() == [(100,)]


def test_clients_that_stay_do_not_delay_its_end(lake: Lake, url: str) -> None:
    with psycopg.connect(url):
        began = time.monotonic()
        lake.halt("postgresql")
        assert time.monotonic() - began < 3
    lake.resume("postgresql")


def test_a_killed_one_comes_back_while_clients_are_connected(lake: Lake, url: str) -> None:
    connection = psycopg.connect(url)
    connection.execute("SELECT 1")
    killed_is_started_again(lake, "postgresql")
    connection.close()


def test_it_runs_as_the_servers_account(lake: Lake) -> None:
    assert owners(lake) == {server_account().uid}


def test_passwords_are_asked_for(lake: Lake, url: str) -> None:
    password = lake.services["postgresql"]["password"]
    for wrong in (url.replace(password, "wrong"), url.replace(f":{password}", "")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(wrong, connect_timeout=5)
    with psycopg.connect(url, sslmode="verify-full", sslrootcert=lake.services["postgresql"]["ca"]):
        pass
