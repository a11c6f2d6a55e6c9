"""The open sink of SQL: rows put in or replaced by their id, in one transaction a batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from lakecheck.documents.result import rfc3339
from lakecheck.sinks.base import Item, Rejection, SinkTrouble
from lakecheck.sinks.halving import Refused, by_halves
from lakecheck.sinks.sql import Options
from lakecheck.sinks.sql_access import Database
from lakecheck.sinks.sql_schema import row_of, table_of
from lakecheck.sinks.sql_tables import make_ready

log = logging.getLogger("lakecheck.sinks")


class SqlSink:
    """Keeps one row a document."""

    parallel = 1
    most_items = 1000
    most_bytes = 4 * 2**20

    def __init__(self, options: Options) -> None:
        self._options = options
        self._database = Database(options)
        self._table = table_of(options.table)
        dialect = sqlite if self._database.is_sqlite else postgresql
        insert = dialect.insert(self._table)
        replaced = {c.name: insert.excluded[c.name] for c in self._table.columns if c.name != "id"}
        self._insert = insert.on_conflict_do_update(index_elements=["id"], set_=replaced)
        self._ready = False  # the table is there
        self._well = False  # the last batch was taken

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Put a batch into the table; the transaction is over when this returns."""
        ready, self._ready, self._well = self._ready, False, False
        if not ready:
            with self._connection() as connection:
                make_ready(connection, self._table, self._database.name)
        rejections = [Rejection(place, why) for place, why in by_halves(items, self._put)]
        self._ready = self._well = True
        return rejections

    def close(self) -> None:
        """Delete what is too old, and close all connections."""
        try:
            if self._well and self._options.retention is not None:
                self._delete_old(self._options.retention)
        except SinkTrouble as error:
            log.warning("%s: old rows are not deleted: %s", self._options.table, error)
        finally:
            self._database.close()

    def _put(self, items: Sequence[Item]) -> None:
        rows: dict[object, dict[str, object]] = {}
        for item in items:
            try:
                row = self._row(item)
            except ValueError as error:
                raise Refused(f"it is no row: {error}") from error
            rows[row["id"]] = row  # of the same document twice, the latter
        try:
            with self._connection() as connection:
                connection.execute(self._insert, list(rows.values()))
        except (DataError, IntegrityError) as error:
            raise Refused(f"{self._database.name} does not take it: {_said(error)}") from error

    def _row(self, item: Item) -> dict[str, object]:
        moment = datetime.fromisoformat(item.timestamp)
        if self._database.is_sqlite:
            # Texts in one form, so that they sort as times do.
            body: Any = item.raw.decode()
            return row_of(item.id, rfc3339(moment.timestamp()), item.document, body)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        document = item.document
        if b"\\u0000" in item.raw:  # which no text of PostgreSQL holds
            document = _without_nul(document)
        return row_of(item.id.replace("\0", "\ufffd"), moment, document, document)

    def _delete_old(self, retention: float) -> None:
        oldest = datetime.now(UTC) - timedelta(seconds=retention)
        limit: Any = rfc3339(oldest.timestamp()) if self._database.is_sqlite else oldest
        with self._connection() as connection:
            connection.execute(delete(self._table).where(self._table.c.timestamp < limit))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Give a transaction that ends in time; errors of the database become SinkTrouble."""
        deadline = time.monotonic() + self._options.timeout
        try:
            with self._database.transaction(deadline) as connection:
                yield connection
        except (DataError, IntegrityError):
            raise
        except SQLAlchemyError as error:
            raise self._database.trouble_of(error) from error


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(each) for name, each in value.items()}
    return value


def _said(error: DataError | IntegrityError) -> str:
    return str(error.orig).strip().splitlines()[0]
