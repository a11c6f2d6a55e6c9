"""Records to a server over HTTP: a POST of a JSON array."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lakecheck.publish.spool import Record
from lakecheck.publish.target import (
    TLS_ALERT,
    Refused,
    Target,
    Trouble,
    dial,
    in_one_line,
    left,
    reason,
    speaks_tls,
)

FOR_GOOD = (400, 413, 422)  # the records are to blame, and will be next time
WANTS_TLS = "HTTPS port"  # servers' word on plain HTTP there, with 400
MOST_WORDS = 65536  # bytes of an answer that are read


class Web:
    """A connection to one server, made when it is needed."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: http.client.HTTPConnection | None = None

    def deliver(self, records: Sequence[Record], deadline: float) -> list[Record]:
        """Post records and give them when the server has them; raises Trouble or Refused."""
        body = b"[" + b",".join(record.body for record in records) + b"]"
        try:
            connection = self._connected(deadline)
            with _ended(connection.sock, deadline):
                connection.request("POST", self.target.destination, body, self._headers())
                response = connection.getresponse()
                words = response.read(MOST_WORDS).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(error, http.client.BadStatusLine) and TLS_ALERT.decode() in str(error):
                raise Trouble(speaks_tls(self.target)) from error
            left(deadline)  # where the time is up, that is the reason
            told = reason(error) if isinstance(error, OSError) else in_one_line(repr(error))
            raise Trouble(f"the connection broke ({told})") from error
        except Trouble:
            self.close()
            raise
        if not response.isclosed() or response.will_close:
            self.close()
        if response.status // 100 == 2:
            return list(records)
        if response.status == 400 and WANTS_TLS in words and self.target.scheme == "http":
            raise Trouble(speaks_tls(self.target))
        said = in_one_line(words)
        answer = f"it answers HTTP {response.status} {in_one_line(response.reason)}"
        answer += f': "{said}"' if said else ""
        if response.status in FOR_GOOD:
            raise Refused(answer)
        raise Trouble(answer, answered=True)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self, deadline: float) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.target.host, self.target.port)
            self._connection.sock = dial(self.target, deadline)
        self._connection.sock.settimeout(left(deadline))
        return self._connection

    def _headers(self) -> dict[str, str]:
        headers = {
            "Host": self.target.where,
            "Content-Type": "application/json",
            "User-Agent": "lakecheck-publish",
        }
        if self.target.login:
            headers["Authorization"] = f"Basic {self.target.login}"
        return headers


@contextmanager
def _ended(connection: socket.socket, deadline: float) -> Iterator[None]:
    """End a connection at a deadline: a socket's own timeout begins anew with every byte."""

    def end() -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # beneath TLS

    timer = threading.Timer(left(deadline), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
