"""The SQL sink on SQLite and on a PostgreSQL of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lakecheck.devlake import Lake
from lakecheck.documents.result import rfc3339
from lakecheck.model import SinkChoice
from lakecheck.sinks.base import Item, SinkTrouble
from lakecheck.sinks.shipper import ship, target_of
from lakecheck.sinks.sql import Options
from lakecheck.sinks.sql_table import SqlSink
from lakecheck.units import Duration
from tests.sinks.outages import DOCUMENTS, freeze, result, ship_through_outages, write

Ask = Callable[[str], list[tuple[Any, ...]]]


class Base:
    """A database, and what is needed to ask it."""

    def __init__(self, options: dict[str, Any], ask: Ask) -> None:
        self.options, self.ask = options, ask

    def choice(self, **more: Any) -> SinkChoice:
        return SinkChoice("sql", "sql", Options(**self.options, **more))

    def put(self, *documents: dict[str, Any], **more: Any) -> None:
        sink = SqlSink(Options(**self.options, **more))
        assert sink.deliver(items(*documents)) == []
        sink.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Base]:
    """An empty database of either sort."""
    if request.param == "sqlite":
        file = tmp_path / "new" / "lake.db"

        def ask_sqlite(statement: str) -> list[tuple[Any, ...]]:
            connection = sqlite3.connect(file)
            try:
                with connection:
                    return connection.execute(statement).fetchall()
            finally:
                connection.close()

        yield Base({"url": f"sqlite:///{file}"}, ask_sqlite)
        return
    yield postgresql_base(request.getfixturevalue("postgresql"))


def postgresql_base(lake: Lake) -> Base:
    known = lake.services["postgresql"]
    where = known["url"].replace("//", f"//{known['user']}:{known['password']}@")

    def ask(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(where) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    ask("DROP SCHEMA public CASCADE")
    ask("CREATE SCHEMA public")
    ask("GRANT USAGE ON SCHEMA public TO PUBLIC")
    given = {"url": known["url"], "user": known["user"], "password": known["password"]}
    return Base(given, ask)


def items(*documents: dict[str, Any]) -> list[Item]:
    return [Item(json.dumps(each, separators=(",", ":")).encode()) for each in documents]


def test_one_row_a_document(base: Base, tmp_path: Path) -> None:
    documents = [result(n) for n in range(1500)]
    documents[7] |= {"error.class": "timeout", "error.message": "no answer", "source.rse": "A"}
    journal = write(tmp_path / "results.ndjson", documents)
    assert ship(journal, [base.choice()])[0].shipped == 1500
    assert target_of(base.choice()) == f"{base.options['url']} lakecheck"
    assert base.ask("SELECT count(*) FROM lakecheck") == [(1500,)]
    columns = 'kind, test, "case", "check", rse, status, duration, bytes, run, error_class'
    assert base.ask(f"SELECT {columns}, source_rse FROM lakecheck WHERE id = '{7:032x}'") == [
        (
            *("functional", "gfal", "LAKE-7.davs.100B", "delete", "LAKE-7", "passed"),
            *(0.007, 100, "20261121T090000Z-7f3a90c1", "timeout", "A"),
        )
    ]
    ((body, moment),) = base.ask(f"SELECT body, timestamp FROM lakecheck WHERE id = '{7:032x}'")
    assert (json.loads(body) if isinstance(body, str) else body) == documents[7]
    assert moment in ("2026-11-21T09:00:00.007Z", datetime(2026, 11, 21, 9, 0, 0, 7000, UTC))


def test_shipping_twice_changes_nothing(base: Base, tmp_path: Path) -> None:
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(100)] + [result(3)])
    ship(journal, [base.choice()])
    before = base.ask("SELECT * FROM lakecheck ORDER BY id")
    assert ship(journal, [base.choice()], again=True)[0].shipped == 101
    assert base.ask("SELECT * FROM lakecheck ORDER BY id") == before
    base.put(result(3, status="error"))
    assert base.ask(f"SELECT status FROM lakecheck WHERE id = '{3:032x}'") == [("error",)]


def test_a_view_a_kind(base: Base) -> None:
    checksum = {"functional.checksum": "adler32:1", "functional.compared": "content"}
    base.put(result(1, **checksum), result(2, kind="tpc", **{"tpc.verified": "size"}))
    found = base.ask("SELECT id, checksum, compared FROM lakecheck_functional")
    assert found == [(f"{1:032x}", "adler32:1", "content")]
    assert base.ask("SELECT verified, status FROM lakecheck_tpc") == [("size", "passed")]
    base.ask("DROP VIEW lakecheck_tpc")
    base.ask("CREATE VIEW lakecheck_tpc AS SELECT id FROM lakecheck")  # of an older version
    base.put(result(3))
    assert base.ask("SELECT verified FROM lakecheck_tpc") == [("size",)]


def test_lists_of_the_usage_view_can_be_taken_apart(base: Base) -> None:
    scopes = [{"name": "SKA_A", "used": 2**40, "files": 2}, {"name": "user.robot", "used": 5}]
    share = {"usage.experiment": "SKA", "usage.used": 7, "experiment": "SKA"}
    base.put(
        result(1, kind="usage", **{"usage.scopes": scopes}),
        result(2, kind="usage", **share),
    )
    if base.options["url"].startswith("sqlite"):
        parts = "scope.value ->> 'name', scope.value ->> 'used'"
        lists = "json_each(scopes) AS scope"
    else:  # as the page on usage says
        parts = "scope ->> 'name', (scope ->> 'used')::bigint AS used"
        lists = "jsonb_array_elements(scopes::jsonb) AS scope"
    found = base.ask(f"SELECT rse, {parts} FROM lakecheck_usage, {lists}")
    assert found == [("LAKE-1", "SKA_A", 2**40), ("LAKE-1", "user.robot", 5)]
    shares = "SELECT rse, experiment, used FROM lakecheck_usage WHERE experiment IS NOT NULL"
    assert base.ask(shares) == [("LAKE-2", "SKA", 7)]


def test_records_of_others(base: Base) -> None:
    foreign = {
        "@timestamp": "2026-11-21T10:00:00+01:00",
        "_id": "x-1",
        "test": 7,
        "bytes": "many",
        "duration": True,
        "size": 10**30,
        "throughput": 5,
        "text": "nul \0 and ü",
    }
    base.put(foreign)
    asked = "SELECT id, test, bytes, duration, size, throughput FROM lakecheck"
    assert base.ask(asked) == [("x-1", "7", None, None, None, 5.0)]
    ((moment,),) = base.ask("SELECT timestamp FROM lakecheck")
    assert moment in ("2026-11-21T09:00:00.000Z", datetime(2026, 11, 21, 9, 0, tzinfo=UTC))


def test_what_is_no_row_is_refused_alone(base: Base, tmp_path: Path) -> None:
    documents = [result(n) for n in range(100)]
    documents[42]["@timestamp"] = "yesterday"
    journal = write(tmp_path / "results.ndjson", documents)
    outcome = ship(journal, [base.choice()])[0]
    assert (outcome.shipped, outcome.rejected) == (99, 1)
    assert outcome.dead_letters
    assert "Invalid isoformat string: 'yesterday'" in outcome.dead_letters.read_text()


def test_what_the_database_refuses_is_found(postgresql: Lake, tmp_path: Path) -> None:
    base = postgresql_base(postgresql)
    base.put(result(0))
    base.ask("ALTER TABLE lakecheck ADD CHECK (rse <> 'LAKE-7')")
    journal = write(tmp_path / "results.ndjson", [result(n) for n in range(20)])
    outcome = ship(journal, [base.choice()])[0]
    assert (outcome.shipped, outcome.rejected, outcome.pending) == (19, 1, 0)
    assert outcome.dead_letters
    letter = json.loads(outcome.dead_letters.read_text())
    assert "does not take it: new row for relation" in letter["reason"]


def test_old_rows_are_deleted_after_shipping(base: Base) -> None:
    now = datetime.now(UTC)
    old, fresh = ({"@timestamp": rfc3339((now - timedelta(hours=h)).timestamp())} for h in (25, 23))
    base.put(result(1, **old), result(2, **fresh), retention=Duration(86400))
    assert base.ask("SELECT id FROM lakecheck") == [(f"{2:032x}",)]


def test_another_table(base: Base) -> None:
    base.put(result(1), table="my results")
    assert base.ask('SELECT count(*) FROM "my results"') == [(1,)]
    assert base.ask('SELECT count(*) FROM "my results_functional"') == [(1,)]


def test_a_table_of_another_version_is_told(base: Base) -> None:
    base.put(result(1))
    base.ask("DROP TABLE lakecheck" + ("" if "sqlite" in base.options["url"] else " CASCADE"))
    base.ask("CREATE TABLE lakecheck (id text PRIMARY KEY, body text, lake text NOT NULL)")
    sink = SqlSink(Options(**base.options))
    with pytest.raises(SinkTrouble) as it:
        sink.deliver(items(result(1)))
    sink.close()
    assert it.value.lasting
    told = str(it.value)
    assert f'the table "lakecheck" in {base.options["url"]} was made by another version' in told
    assert "lacks timestamp, document, kind," in told
    assert "demands lake" in told


def test_a_table_that_was_dropped_is_made_again(base: Base, tmp_path: Path) -> None:
    sink = SqlSink(Options(**base.options))
    sink.deliver(items(result(1)))
    base.ask("DROP TABLE lakecheck" + ("" if "sqlite" in base.options["url"] else " CASCADE"))
    with pytest.raises(SinkTrouble):
        sink.deliver(items(result(2)))
    sink.deliver(items(result(2)))
    sink.close()
    assert base.ask("SELECT id FROM lakecheck") == [(f"{2:032x}",)]


def test_two_make_the_table_at_once(base: Base, tmp_path: Path) -> None:
    journals = [
        write(tmp_path / str(k) / "results.ndjson", [result(n) for n in range(k, 400, 4)])
        for k in range(4)
    ]
    threads = [
        threading.Thread(target=ship, args=(journal, [base.choice()], 60)) for journal in journals
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert base.ask("SELECT count(*) FROM lakecheck") == [(400,)]


def test_each_is_there_once_whatever_happens_to_the_server(
    postgresql: Lake, tmp_path: Path
) -> None:
    base = postgresql_base(postgresql)
    ship_through_outages(postgresql, "postgresql", tmp_path / "results.ndjson", base.choice())
    assert base.ask("SELECT count(*), count(DISTINCT id) FROM lakecheck") == [
        (DOCUMENTS, DOCUMENTS)
    ]


def test_a_frozen_server_is_left_in_time(postgresql: Lake) -> None:
    base = postgresql_base(postgresql)
    sink = SqlSink(Options(**base.options, timeout=Duration(1)))
    assert sink.deliver(items(result(1))) == []
    backend = base.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'lakecheck'")
    assert len(backend) == 1

    os.kill(backend[0][0], signal.SIGSTOP)
    freezing = threading.Thread(target=freeze, args=(postgresql, "postgresql", 5.0))
    freezing.start()
    time.sleep(0.2)
    try:
        began = time.monotonic()
        for _ in range(2):
            with pytest.raises(SinkTrouble, match=r"not answered within 1 s|timeout expired"):
                sink.deliver(items(result(2)))
        assert time.monotonic() - began < 5
    finally:
        os.kill(backend[0][0], signal.SIGCONT)
        freezing.join()
    assert sink.deliver(items(result(2))) == []
    sink.close()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"password": "not-the-right-one"}, 'does not accept "lake": password authentication'),
        ({"password": ""}, 'does not accept "lake": .*no password supplied'),
        ({"database": "ocean"}, 'has no database "ocean"; create it: createdb ocean'),
        ({"user": "stranger"}, 'gives "stranger" no right: permission denied for schema public'),
        ({"ca": "/etc/ssl/certs/ca-certificates.crt"}, "certificate verify failed"),
        ({"url": "mysql://localhost/x"}, 'url: "mysql://localhost/x" is none of SQLite or'),
        ({"url": "lake.db"}, 'url: "lake.db" is no URL of a database; write sqlite:///'),
    ],
)
def test_what_waiting_does_not_cure_is_told(
    postgresql: Lake, wrong: dict[str, Any], told: str
) -> None:
    known = postgresql.services["postgresql"]
    given = {**postgresql_base(postgresql).options, **wrong}
    if database := given.pop("database", ""):
        given["url"] = given["url"].replace("/lake", f"/{database}")
    if wrong.get("user"):
        given["password"] = known["stranger"]
    with pytest.raises(SinkTrouble, match=told) as it:
        SqlSink(Options(**given)).deliver(items(result(1)))
    assert it.value.lasting
    assert known["password"] not in str(it.value)


def test_over_tls(postgresql: Lake) -> None:
    base = postgresql_base(postgresql)
    base.put(result(1), ca=postgresql.services["postgresql"]["ca"])
    assert base.ask("SELECT count(*) FROM lakecheck") == [(1,)]


def test_without_the_right_to_make_views_documents_go_in(postgresql: Lake) -> None:
    base = postgresql_base(postgresql)
    base.put(result(1))
    base.ask("DROP VIEW lakecheck_tpc")
    base.ask("GRANT SELECT, INSERT, UPDATE, DELETE ON lakecheck TO stranger")
    base.options |= {
        "user": "stranger",
        "password": postgresql.services["postgresql"]["stranger"],
    }
    base.put(result(2))
    assert base.ask("SELECT count(*) FROM lakecheck") == [(2,)]


def test_nobody_there_is_told_soon() -> None:
    sink = SqlSink(Options(url="postgresql://127.0.0.1:9/lake"))
    with pytest.raises(SinkTrouble, match="Connection refused") as it:
        sink.deliver(items(result(1)))
    assert not it.value.lasting


def test_sqlite_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to be one" * 9)
    (tmp_path / "folder.db").mkdir()
    for name, told in (("text.db", "file is not a database"), ("folder.db", "unable to open")):
        with pytest.raises(SinkTrouble, match=told) as it:
            SqlSink(Options(url=f"sqlite:///{tmp_path / name}")).deliver(items(result(1)))
        assert it.value.lasting


def test_sqlite_waits_for_its_turn_and_not_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "lake.db"
    sink = SqlSink(Options(url=f"sqlite:///{file}", timeout=Duration(1)))
    sink.deliver(items(result(1)))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SinkTrouble, match="database is locked") as it:
        sink.deliver(items(result(2)))
    assert not it.value.lasting
    other.execute("ROLLBACK")
    other.close()
    assert sink.deliver(items(result(2))) == []
    sink.close()
