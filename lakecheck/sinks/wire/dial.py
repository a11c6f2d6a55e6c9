"""A socket to a broker, with TLS where that is asked for; every failure is a sentence."""

from __future__ import annotations

import socket
import ssl

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.tls import context
from lakecheck.sinks.wire.brokers import Access, Broker


def dial(broker: Broker, access: Access) -> socket.socket:
    """Connect within the time allowed; raises SinkTrouble."""
    made = context(access.ca, access.certificate, access.key) if broker.tls else None
    plain = _connected(broker, access.timeout)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Also what is sent and never acknowledged ends the connection.
        patience = max(1, int(access.timeout * 1000))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        return _secured(plain, broker, made, access.timeout) if made else plain
    except BaseException:
        plain.close()
        raise


def _connected(broker: Broker, timeout: float) -> socket.socket:
    try:
        return socket.create_connection((broker.host, broker.port), timeout)
    except socket.gaierror as error:
        told = f"{broker.host} is not found ({error.strerror}); check the name in url"
        raise SinkTrouble(told) from error
    except TimeoutError as error:
        told = f"{broker.name} does not answer within {timeout:g} s; is a firewall between?"
        raise SinkTrouble(told) from error
    except ConnectionRefusedError as error:
        told = f"nobody listens on {broker.name}; check that the broker runs, and the port"
        raise SinkTrouble(told) from error
    except OSError as error:
        raise SinkTrouble(f"{broker.name} cannot be reached: {error.strerror or error}") from error


def _secured(
    plain: socket.socket, broker: Broker, made: ssl.SSLContext, timeout: float
) -> socket.socket:
    try:
        return made.wrap_socket(plain, server_hostname=broker.host)
    except ssl.SSLCertVerificationError as error:
        raise SinkTrouble(
            f"the certificate of {broker.name} is not trusted ({error.verify_message}); "
            "let ca name its authority's file or folder",
            lasting=True,
        ) from error
    except TimeoutError as error:
        raise SinkTrouble(
            f"{broker.name} does not answer TLS within {timeout:g} s; if it is a port without "
            "TLS, write stomp:// in url"
        ) from error
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            told = f"no TLS is spoken on {broker.name}; write stomp:// in url, or another port"
            raise SinkTrouble(told, lasting=True) from error
        hint = "; if it is a port without TLS, write stomp:// in url" if "EOF" in str(error) else ""
        raise SinkTrouble(f"TLS with {broker.name} fails: {why_no_tls(error)}{hint}") from error
    except OSError as error:
        raise SinkTrouble(
            f"{broker.name} ends the connection when TLS begins; if it is a port without TLS, "
            "write stomp:// in url"
        ) from error


def why_no_tls(error: ssl.SSLError) -> str:
    """Say what TLS complains of."""
    said = error.reason or str(error)
    ours = "ALERT" in said and ("CERTIFICATE" in said or "UNKNOWN_CA" in said)
    return f"it does not accept our certificate, {said}" if ours else said
