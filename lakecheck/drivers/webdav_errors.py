"""One place where errors of aiohttp, TLS and sockets become ours."""

from __future__ import annotations

import errno
import os
import ssl

import aiohttp

from lakecheck import credentials
from lakecheck.drivers import classify
from lakecheck.errors import (
    BadCredential,
    DriverError,
    ProtocolError,
    Side,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unclassified,
    Unreachable,
)
from lakecheck.model import Credential

NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


class Hop:
    """Where a request is just now: a redirect moves it on, and errors name the host."""

    def __init__(self, url: str, side: Side | None, timeout: float) -> None:
        self.url = url
        self.side = side
        self.timeout = timeout


# What a request may raise; only DriverErrors may leave the driver.
FOREIGN = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


def translated(error: Exception, hop: Hop, credential: Credential) -> DriverError:
    """Give what an error of FOREIGN means; it names the host at which the request was."""
    host = classify.host_of(hop.url)
    kind, said, phase, side = _meaning(error, host or "", hop.timeout)
    if kind in (TlsFailed, ProtocolError) and credential.kind != "none":
        # Servers that reject a client certificate just break the handshake or the connection.
        try:
            credentials.check(credential)
        except BadCredential as unsound:
            return BadCredential(f"{said} ({unsound.message})", phase="authenticate", host=host)
    code = error.errno if isinstance(error, OSError) else None
    return kind(said, code=code, side=side or hop.side, phase=phase, host=host)


def _meaning(
    error: Exception, host: str, timeout: float
) -> tuple[type[DriverError], str, str, Side | None]:
    """Class, sentence, phase, and the side where it is not the storage's."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TimedOut, f"{host}: no connection within {timeout:g} s", "connect", None
    if isinstance(error, TimeoutError):
        return TimedOut, f"{host}: no answer within {timeout:g} s", "request", None
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return (
            Unreachable,
            f"{host}: the name does not resolve: {error.os_error}",
            "resolve",
            "network",
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return TlsFailed, f"{host}: {error.certificate_error}", "tls", None
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error, host)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return TlsFailed, f"{host}: {error}", "tls", None
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ProtocolError, f"{host}: closed the connection without an answer", "request", None
    if isinstance(error, aiohttp.ClientPayloadError):
        return ProtocolError, f"{host}: broke off in mid-answer: {error}", "transfer", None
    if isinstance(error, aiohttp.ClientConnectionError):
        return ProtocolError, f"{host}: broke the connection: {error}", "transfer", None
    if isinstance(error, aiohttp.ClientResponseError):
        return ProtocolError, f"{host}: not HTTP: {error.message}", "request", None
    if isinstance(error, ValueError):  # such as a port beyond 65535 in a redirect
        return ProtocolError, f"{host}: {error}", "request", None
    if isinstance(error, OSError):
        return TesterFailed, f"{error.filename or 'here'}: {error.strerror}", "local", "tester"
    return Unclassified, f"{host}: {type(error).__name__}: {error}", "request", None


def _not_connected(
    error: aiohttp.ClientConnectorError, host: str
) -> tuple[type[DriverError], str, str, Side | None]:
    said = f"{host}: {os.strerror(error.errno) if error.errno else error.os_error}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return TlsFailed, f"{host}: {error.os_error}", "tls", None
    if error.errno in NO_ROUTE:
        return Unreachable, said, "connect", "network"
    if error.errno == errno.ETIMEDOUT:
        return TimedOut, said, "connect", None
    if error.errno == errno.ECONNREFUSED:
        return Unreachable, said, "connect", None
    if error.errno in (errno.ECONNRESET, None):
        return TlsFailed, f"{said} in the handshake", "tls", None
    return Unreachable, said, "connect", None
