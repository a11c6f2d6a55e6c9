"""Documents into a table of SQLite or PostgreSQL, one row each, however often they come."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import SinkKind
from lakecheck.sinks.base import without_secrets
from lakecheck.units import Duration


class Options(Struct, frozen=True, kw_only=True):
    """Keys of an SQL sink."""

    url: Annotated[
        str,
        Meta(
            description="sqlite:///FILE or postgresql://HOST:PORT/DATABASE, as SQLAlchemy has it."
        ),
    ]
    user: Annotated[str, Meta(description="Who we are; also postgresql://USER:PASSWORD@HOST.")] = ""
    password: Annotated[str, Meta(description="The user's password.")] = ""
    ca: Annotated[
        str,
        Meta(description="Authorities trusted for TLS, a file; TLS and the host's name are must."),
    ] = ""
    table: Annotated[
        str,
        Meta(description="The table; it is made where it is missing, with a view TABLE_KIND each."),
    ] = "lakecheck"
    retention: Annotated[
        Duration | None, Meta(description="Rows that are older are deleted after shipping.")
    ] = None
    timeout: Annotated[
        Duration, Meta(description="How long the database may take for an answer.")
    ] = Duration(30)


SINK = SinkKind(
    name="sql",
    title="Keep documents in a table of SQLite or PostgreSQL.",
    options=Options,
    sink="lakecheck.sinks.sql_table:SqlSink",
    target=lambda options: f"{without_secrets(options.url)} {options.table}",
)
