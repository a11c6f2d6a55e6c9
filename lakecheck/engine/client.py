"""The asking side of an engine: in its own process, or from an xdist worker over the socket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from lakecheck.drivers.base import Entry, Stat
from lakecheck.engine.desk import error_from_wire
from lakecheck.engine.limits import CLEANUP
from lakecheck.engine.socket import short_path
from lakecheck.errors import DriverError, TesterFailed, TimedOut
from lakecheck.model import Algorithm, Case

if TYPE_CHECKING:
    from lakecheck.engine.engine import Engine


class Client(Protocol):
    """Whoever can ask the engine of this run."""

    def ask(self, asked: dict[str, Any]) -> Any:
        """Give the answer as a JSON value; raises DriverError."""


class Local:
    """Asks the engine of this very process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, asked: dict[str, Any]) -> Any:
        """Wait for the answer of the engine's loop."""
        if asked["ask"] == "document":
            return self._engine.future(asked["check"]).result()
        assert self._engine.loop is not None
        return asyncio.run_coroutine_threadsafe(
            self._engine.desk.ask(asked), self._engine.loop
        ).result()


class Remote:
    """Asks over `RUN/engine.sock`; connects when first used."""

    def __init__(self, path: Path, patience: float = 60.0) -> None:
        self._path = path
        self._patience = patience
        self._stream: Any = None

    def ask(self, asked: dict[str, Any]) -> Any:
        """Send one line, read one line."""
        if self._stream is None:
            self._stream = self._connect()
        try:
            self._stream.write(msgspec.json.encode(asked) + b"\n")
            self._stream.flush()
            line = self._stream.readline()
        except OSError as error:
            raise TesterFailed(f"the engine of this run is gone: {error.strerror}") from None
        if not line:
            raise TesterFailed("the engine of this run is gone")
        answer = msgspec.json.decode(line)
        if "error" in answer:
            raise error_from_wire(answer["error"])
        return answer["value"]

    def _connect(self) -> Any:
        until = time.monotonic() + self._patience
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                with short_path(self._path) as name:
                    connection.connect(name)
            except OSError as error:
                connection.close()
                if time.monotonic() > until:
                    raise TesterFailed(
                        f"the engine of this run does not answer at {self._path}: {error.strerror}"
                    ) from None
                time.sleep(0.02)
            else:
                return connection.makefile("rwb")


class OwnStorage:
    """A storage as own tests in Python see it: plain calls, names of their own, one time limit.

    Only time that the storage takes counts towards it, not the test's own. Every call raises a
    DriverError (`lakecheck.errors`) and nothing else. What a test writes is removed after it.
    """

    def __init__(self, client: Client, case: Case) -> None:
        self._client = client
        self._case = case
        self._check = case.checks[0]
        self._left = case.test.timeout  # seconds

    def url(self, name: str = "") -> str:
        """Complete URL of one of the test's names; of its folder without a name."""
        url: str = self._client.ask({"ask": "url", "check": self._check, "name": name})
        return url

    def write(self, name: str, content: bytes) -> None:
        """Upload a new file; Exists where the name is taken."""
        self._call("write", name, base64.b64encode(content).decode())

    def read(self, name: str) -> bytes:
        """Download a file."""
        return base64.b64decode(self._call("read", name))

    def stat(self, name: str) -> Stat:
        """Size and type of a name."""
        return msgspec.convert(self._call("stat", name), Stat)

    def checksum(self, name: str, algorithm: Algorithm = "adler32") -> str:
        """Checksum that the storage tells, hex digits in lower case."""
        told: str = self._call("checksum", name, algorithm)
        return told

    def list(self, name: str = "") -> tuple[Entry, ...]:
        """Names in a folder; in lakecheck's own without a name."""
        return msgspec.convert(self._call("list", name), tuple[Entry, ...])

    def mkdir(self, name: str) -> None:
        """Make a folder and its parents."""
        self._call("mkdir", name)

    def delete(self, name: str) -> None:
        """Remove a file or an empty folder."""
        self._call("delete", name)

    def clean(self) -> None:
        """Remove what the test made and left."""
        self._left = max(self._left, CLEANUP)
        with contextlib.suppress(DriverError):
            # What is left is in the ledger, for `lakecheck close` and for a later run's sweep.
            self._call("clean", "")

    def _call(self, method: str, name: str, argument: Any = None) -> Any:
        if self._left <= 0:
            spent = f"the storage has used up the test's {self._case.test.timeout:g}s"
            raise TimedOut(spent, phase=method)
        asked = {
            "ask": "call",
            "check": self._check,
            "method": method,
            "name": name,
            "argument": argument,
            "left": self._left,
        }
        began = time.monotonic()
        try:
            return self._client.ask(asked)
        finally:
            self._left -= time.monotonic() - began
