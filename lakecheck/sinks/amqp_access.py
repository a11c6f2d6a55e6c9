"""What AMQP's sink and source share: pika's parameters, and its errors as sentences."""

from __future__ import annotations

import logging
import re
import socket
from typing import Any
from urllib.parse import unquote, urlsplit

import pika
from pika import exceptions

from lakecheck.sinks.amqp import PORTS, Access
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.tls import context

_PROBABLE = (
    exceptions.ProbableAuthenticationError,
    exceptions.ProbableAccessDeniedError,
    exceptions.IncompatibleProtocolError,
)
# pika writes what it also raises to the log, with tracebacks.
logging.getLogger("pika").setLevel(logging.CRITICAL)


class Broker:
    """One broker, as its URL and the other keys tell; raises SinkTrouble."""

    def __init__(self, access: Access) -> None:
        parts = urlsplit(access.url.strip())
        port = parts.port or PORTS[parts.scheme]
        self.name = f"{parts.hostname}:{port}"
        self.vhost = unquote(parts.path[1:]) or "/"
        self.user = unquote(parts.username or "") or access.user or "guest"
        password = unquote(parts.password or "") or access.password or "guest"
        tls = None
        if parts.scheme == "amqps":
            trusted = context(access.ca, access.certificate, access.key)
            tls = pika.SSLOptions(trusted, parts.hostname)
        self.parameters = pika.ConnectionParameters(
            host=parts.hostname,
            port=port,
            virtual_host=self.vhost,
            credentials=pika.PlainCredentials(self.user, password, erase_on_connect=False),
            heartbeat=round(access.heartbeat),
            blocked_connection_timeout=access.timeout,
            socket_timeout=min(10.0, access.timeout),
            stack_timeout=min(15.0, access.timeout),
            connection_attempts=1,
            ssl_options=tls,
            client_properties={"product": "lakecheck"},
        )

    def trouble_of(self, error: BaseException) -> SinkTrouble:
        """Say one of pika's errors as a sentence with the way out."""
        where = f"the broker {self.name}"
        cause = _innermost(error)
        if isinstance(cause, _PROBABLE):
            return self._refused(where, cause)
        if isinstance(cause, exceptions.ChannelClosed | exceptions.ConnectionClosed):
            return self._closed(where, cause.reply_code, cause.reply_text)
        if isinstance(cause, exceptions.ConnectionBlockedTimeout):
            return SinkTrouble(f"{where} takes nothing now: its memory or disk is full")
        said = str(cause) or type(cause).__name__
        if "certificate" in said.lower():
            told = f'{where}: no TLS: {said}; "ca" names whom to trust'
            return SinkTrouble(told, lasting=True)
        if isinstance(cause, TimeoutError | exceptions.AMQPHeartbeatTimeout):
            return SinkTrouble(f"{where} does not answer")
        if isinstance(cause, socket.gaierror):
            return SinkTrouble(f"{where} is not known: {cause.strerror}")
        if isinstance(cause, OSError):
            return SinkTrouble(f"{where} does not answer: {cause.strerror or said}")
        return SinkTrouble(f"{where}: {said}")

    def _refused(self, where: str, error: BaseException) -> SinkTrouble:
        # pika guesses from the moment; only a broker that says good-bye has meant it.
        if "ConnectionClosedByBroker" not in str(error):
            hint = "if it does so always, it speaks no AMQP 0-9-1 there, or TLS (amqps://)"
            return SinkTrouble(f"{where} has hung up during the greeting; {hint}")
        if isinstance(error, exceptions.ProbableAuthenticationError):
            return SinkTrouble(f'{where} does not accept "{self.user}"', lasting=True)
        told = f'{where} does not let "{self.user}" into the virtual host "{self.vhost}"'
        return SinkTrouble(told, lasting=True)

    def _closed(self, where: str, code: int, text: str) -> SinkTrouble:
        said = re.sub(r"^[A-Z_]+ - ", "", text)
        if code == 403:
            told = f'{where} gives "{self.user}" no right: {said}'
        elif code in (404, 405, 406):
            told = f"{where}: {said}"
        elif code == 530:
            told = f"{where} does not let us in: {said}"
        else:  # 320: it is shutting down; 501…541: something went wrong
            return SinkTrouble(f"{where} has closed the connection: {said}")
        return SinkTrouble(told, lasting=True)


def _innermost(error: BaseException) -> BaseException:
    """Find what is behind the errors in which pika wraps it."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner: Any = getattr(error, "exception", None)
        if not isinstance(inner, BaseException):
            inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        if inner is None and type(error).__name__ == "AMQPConnectionWorkflowFailed":
            inner = error.exceptions[-1]  # type: ignore[attr-defined]
        if inner is None:
            break
        error = inner
    return error
