"""SQLite for several processes of Rucio at once; as a program, an empty database for one.

SQLite refuses a transaction that has read, then wants to write, and in between another has
written. So each transaction that may write takes the lock for writing when it begins, as others
would lock rows; one that only reads sees what was there when it began, and waits for nobody.
"""

from __future__ import annotations

import functools
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rucio.db.sqla import session as sessions
from rucio.db.sqla.constants import DatabaseOperationType
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session, scoped_session

_next = threading.local()


def share() -> None:
    """Make Rucio's transactions such; to be called before anything else of Rucio is imported."""
    sessions.get_session = _marked(sessions.get_session)
    sessions.transactional_session = _announcing(sessions.transactional_session)
    sessions.db_session = _announcing_context(sessions.db_session)
    event.listen(Engine, "connect", _on_connect)
    event.listen(Session, "after_begin", _on_begin)


def _marked(get_session: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> Any:
        found = get_session()
        if not getattr(_next, "writes", False):
            return found
        _next.writes = False
        factory: Any = functools.partial(found.session_factory, info={"writes": True})
        return scoped_session(factory)

    return call


def _announcing(decorator: Callable[..., Any]) -> Callable[..., Any]:
    def transactional_session(function: Callable[..., Any]) -> Callable[..., Any]:
        inner = decorator(function)

        @functools.wraps(inner)
        def call(*args: Any, session: Any = None, **kwargs: Any) -> Any:
            _next.writes = session is None
            return inner(*args, session=session, **kwargs)

        return call

    return transactional_session


def _announcing_context(context: Callable[..., Any]) -> Callable[..., Any]:
    @contextmanager
    def db_session(operation: DatabaseOperationType) -> Iterator[Any]:
        _next.writes = operation is DatabaseOperationType.WRITE
        with context(operation) as session:
            yield session

    return db_session


def _on_connect(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # nobody else begins transactions
    # A lake outlives its processes, and never its machine.
    connection.execute("PRAGMA synchronous = OFF")


def _on_begin(session: Session, transaction: object, connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if session.info.get("writes") else "BEGIN")


def main(path: str) -> None:
    """Make the tables, in a file that its path in Rucio's configuration names."""
    from rucio.db.sqla.util import build_database, create_base_vo

    build_database()
    create_base_vo()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
