"""The connection to a database, with an end to every wait, and its errors as sentences."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from lakecheck.sinks.base import SinkTrouble, without_secrets
from lakecheck.sinks.sql import Options

CONNECT_WITHIN = 10.0  # s
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
# Beginnings of SQLSTATE of what waiting does not cure: who we are, where, and what we may.
LASTING = ("28", "3D", "3F", "42", "0A", "22023")
# In words, where there is no SQLSTATE: while connecting, and always in SQLite.
LASTING_WORDS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "certificate",
    "does not support SSL",
    "unable to open database file",
    "not a database",
    "readonly",
)


class Database:
    """One connection at a time, kept until something goes wrong with it."""

    def __init__(self, options: Options) -> None:
        """Raise SinkTrouble where the URL is not understood."""
        self._options = options
        url = _url(options)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.name = without_secrets(options.url)
        self._user, self._database = url.username or "", url.database or ""
        if self.is_sqlite:
            arguments: dict[str, Any] = {
                "timeout": float(options.timeout),
                "check_same_thread": False,  # one thread delivers, another one closes
            }
            _make_folder(self._database)
        else:
            within = max(2, round(min(CONNECT_WITHIN, options.timeout)))
            arguments = {"connect_timeout": within, "application_name": "lakecheck"}
            if options.ca:
                arguments |= {"sslmode": "verify-full", "sslrootcert": options.ca}
        self._engine = create_engine(
            url, poolclass=NullPool, connect_args=arguments, **_written(self.is_sqlite)
        )
        self._open: Connection | None = None
        self._late = False  # the last connection was cut off by ourselves

    @contextlib.contextmanager
    def transaction(self, deadline: float) -> Iterator[Connection]:
        """Begin, and commit in time; raises SQLAlchemy's errors."""
        self._late = False
        if self._open is None:
            self._open = self._engine.connect()
        try:
            with self._ending(self._open, deadline), self._open.begin():
                yield self._open
        except (DataError, IntegrityError):
            raise  # the connection is sound
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        gone, self._open = self._open, None
        if gone is not None:
            with contextlib.suppress(SQLAlchemyError):
                gone.invalidate()
            with contextlib.suppress(SQLAlchemyError):
                gone.close()

    @contextlib.contextmanager
    def _ending(self, connection: Connection, deadline: float) -> Iterator[None]:
        """Cut the connection off at the deadline: a server that has frozen ends no statement."""
        driver: Any = connection.connection.driver_connection
        if self.is_sqlite or driver is None:
            yield
            return
        with socket.socket(fileno=os.dup(driver.fileno())) as line:

            def cut() -> None:
                self._late = True
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

            timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()
                timer.join()

    def trouble_of(self, error: SQLAlchemyError) -> SinkTrouble:
        """Say an error as a sentence with the way out."""
        if self._late:
            return SinkTrouble(f"{self.name} has not answered within {self._options.timeout:g} s")
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        state = getattr(cause, "sqlstate", None) or ""
        said = _first_line(str(cause))
        if state in ("42501", "3F000"):
            table = self._options.table
            told = f'{self.name} gives "{self._user}" no right: {said}'
            way = f'it needs SELECT, INSERT, UPDATE and DELETE on "{table}", or CREATE to make it'
            return SinkTrouble(f"{told}; {way}", lasting=True)
        if state == "3D000" or ("database" in said and "does not exist" in said):
            way = f"create it: createdb {self._database}"
            return SinkTrouble(
                f'{self.name} has no database "{self._database}"; {way}', lasting=True
            )
        if "authentication failed" in said or "no password" in said or state.startswith("28"):
            return SinkTrouble(f'{self.name} does not accept "{self._user}": {said}', lasting=True)
        # A table that has just been dropped is made again.
        lasting = state.startswith(LASTING) and state != "42P01"
        if not state:
            lasting = any(words in said for words in LASTING_WORDS)
        return SinkTrouble(f"{self.name}: {said}", lasting=lasting)


def _url(options: Options) -> URL:
    shown = without_secrets(options.url)
    try:
        url = make_url(options.url)
    except (ArgumentError, ValueError) as error:
        wanted = "write sqlite:///FILE or postgresql://HOST:PORT/DATABASE"
        raise SinkTrouble(
            f'url: "{shown}" is no URL of a database; {wanted}', lasting=True
        ) from error
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        told = f'url: "{shown}" is none of SQLite or PostgreSQL, which this sink knows'
        raise SinkTrouble(told, lasting=True)
    if url.drivername in DRIVERS:
        url = url.set(drivername=DRIVERS[url.drivername])
    if options.user and not url.username:
        url = url.set(username=options.user)
    if options.password and not url.password:
        url = url.set(password=options.password)
    return url


def _written(is_sqlite: bool) -> dict[str, Any]:
    return {} if is_sqlite else {"json_serializer": lambda body: msgspec.json.encode(body).decode()}


def _make_folder(file: str) -> None:
    if file and file != ":memory:" and not file.startswith("file:"):
        with contextlib.suppress(OSError):  # opening it says why
            Path(file).expanduser().parent.mkdir(parents=True, exist_ok=True)


def _first_line(text: str) -> str:
    # connection failed: connection to server at "127.0.0.1", port 5432 failed: FATAL:  …
    line = text.strip().splitlines()[0] if text.strip() else "it says nothing"
    return line.rpartition("FATAL:")[2].strip() if "FATAL:" in line else line
