"""The table of documents, and a view a kind, as SQLite and PostgreSQL write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Index,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect

from lakecheck.model import Field, Kind

# A column and the field of documents that it holds; all else is in `body`.
TEXTS = {
    "document": "document",
    "kind": "kind",
    "run": "run.id",
    "test": "test",
    "case": "case",
    "check": "check",
    "rse": "rse",
    "site": "site",
    "source_rse": "source.rse",
    "destination_rse": "destination.rse",
    "protocol": "protocol",
    "credential": "credential",
    "status": "status",
    "reason": "reason",
    "error_class": "error.class",
    "error_side": "error.side",
    "error_message": "error.message",
}
NUMBERS = {
    "size": "size",
    "bytes": "bytes",
    "duration": "duration",
    "throughput": "throughput",
}
WHOLE = ("size", "bytes")
LARGEST = 2**63 - 1
# How SQL has a kind's fields, taken as text out of the body.
_TYPES = {
    "postgresql": {
        "long": "CAST(CAST({} AS numeric) AS bigint)",
        "double": "CAST({} AS double precision)",
        "boolean": "CAST({} AS boolean)",
    },
    "sqlite": {},
}


def table_of(name: str) -> Table:
    """Describe the table; in SQLite, which has no types for them, times and bodies are texts."""
    return Table(
        name,
        MetaData(),
        Column("id", String, primary_key=True),
        Column("timestamp", DateTime(timezone=True).with_variant(Text, "sqlite"), nullable=False),
        *(Column(column, Text) for column in TEXTS),
        *(Column(column, BigInteger if column in WHOLE else Double) for column in NUMBERS),
        Column("body", JSONB().with_variant(Text, "sqlite"), nullable=False),
        Index(f"{name}_timestamp", "timestamp"),
    )


def row_of(
    identity: str, timestamp: object, document: Mapping[str, Any], body: object
) -> dict[str, object]:
    """Give a document as a row."""
    row: dict[str, object] = {"id": identity, "timestamp": timestamp, "body": body}
    for column, field in TEXTS.items():
        value = document.get(field)
        row[column] = value if value is None or isinstance(value, str) else str(value)
    for column, field in NUMBERS.items():
        row[column] = _number(document.get(field), column in WHOLE)
    return row


def _number(value: object, whole: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None  # somebody else's record
    if not whole:
        return float(value)
    return int(value) if abs(value) <= LARGEST else None


class View(Struct, frozen=True):
    """A view on some documents, with its columns in their order."""

    name: str
    columns: tuple[str, ...]
    statement: str


def views(table: str, kinds: Iterable[Kind], dialect: Dialect) -> list[View]:
    """Describe each kind's view, and those of other tools' results and of events."""
    made = [
        _view(table, kind.name, f"kind = '{kind.name}'", kind.fields, dialect)
        for kind in kinds
        if kind.name.isidentifier()
    ]
    made.append(_view(table, "junit", "kind = 'junit'", (), dialect))
    made.append(_view(table, "event", "document = 'event'", (), dialect))
    return made


def _view(table: str, what: str, condition: str, fields: Iterable[Field], dialect: Dialect) -> View:
    quoted = dialect.identifier_preparer.quote
    columns = {name: quoted(name) for name in ("id", "timestamp", *TEXTS, *NUMBERS)}
    for field in fields:
        if field.type == "numbers":
            continue  # nobody knows their names before they come: they are in the body
        name = field.name.replace(".", "_")
        name = f"{what}_{name}" if name in columns else name
        columns[name] = f"{_taken(field, what, dialect.name)} AS {quoted(name)}"
    name = f"{table}_{what}"
    select = f"SELECT {', '.join(columns.values())} FROM {quoted(table)}"
    statement = f"CREATE VIEW {quoted(name)} AS {select} WHERE {condition}"
    return View(name, tuple(columns), statement)


def _taken(field: Field, kind: str, dialect: str) -> str:
    name = field.of(kind)
    if dialect == "sqlite":
        return f"""json_extract(body, '$."{name}"')"""
    text = f"(body ->> '{name}')"
    return _TYPES[dialect].get(field.type, "{}").format(text)
