"""Makes the table and its views where they are missing, and knows a stranger's."""

from __future__ import annotations

import logging
from typing import cast

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from lakecheck import registry
from lakecheck.model import Kind
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.sql_schema import views

log = logging.getLogger("lakecheck.sinks")


def make_ready(connection: Connection, table: Table, where: str) -> None:
    """See that the table is there and ours; raises SinkTrouble, and SQLAlchemy's errors."""
    if connection.dialect.name == "postgresql":
        # Several who ship for the first time do so one after the other; until the commit.
        lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
        connection.execute(lock, {"name": f"lakecheck {table.name}"})
    seen = inspect(connection)
    if table.name in seen.get_view_names():
        told = f'in {where}, "{table.name}" is a view; "table" names another one'
        raise SinkTrouble(told, lasting=True)
    if seen.has_table(table.name):
        _compare(connection, table, where)
    else:
        connection.execute(CreateTable(table))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
    _make_views(connection, table)


def _compare(connection: Connection, table: Table, where: str) -> None:
    there = {column["name"]: column for column in inspect(connection).get_columns(table.name)}
    missing = [column.name for column in table.columns if column.name not in there]
    ours = {column.name for column in table.columns}
    demanded = [
        name
        for name, column in there.items()
        if name not in ours and not column["nullable"] and column["default"] is None
    ]
    keyed = inspect(connection).get_pk_constraint(table.name)["constrained_columns"] == ["id"]
    if not missing and not demanded and keyed:
        return
    what = []
    if missing:
        what.append(f"lacks {', '.join(missing)}")
    if demanded:
        what.append(f"demands {', '.join(demanded)}")
    if not keyed:
        what.append("has no primary key id")
    told = f'the table "{table.name}" in {where} was made by another version or program'
    way = 'rename it, and all is shipped into a new one with --again; or "table" names another'
    raise SinkTrouble(f"{told}: it {' and '.join(what)}; {way}", lasting=True)


def _make_views(connection: Connection, table: Table) -> None:
    names = registry.names("kinds")
    kinds = cast("list[Kind]", [registry.load("kinds", name) for name in names])
    there = set(inspect(connection).get_view_names())
    for view in views(table.name, kinds, connection.dialect):
        if view.name in there and _columns(connection, view.name) == view.columns:
            continue
        quoted = connection.dialect.identifier_preparer.quote(view.name)
        try:
            with connection.begin_nested():
                if view.name in there:
                    connection.exec_driver_sql(f"DROP VIEW {quoted}")
                connection.exec_driver_sql(view.statement)
        except SQLAlchemyError as error:  # documents go into the table without it
            why = str(getattr(error, "orig", error)).splitlines()[0]
            log.warning("the view %s is not made: %s", view.name, why)


def _columns(connection: Connection, view: str) -> tuple[str, ...]:
    return tuple(column["name"] for column in inspect(connection).get_columns(view))
