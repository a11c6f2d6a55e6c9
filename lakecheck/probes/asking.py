"""Asks a service over HTTP, or an XRootD server for its hello; looks at its certificate."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import struct
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509
from msgspec import Struct

from lakecheck import __version__, credentials
from lakecheck.credentials import token
from lakecheck.drivers.webdav_client import read
from lakecheck.drivers.webdav_errors import FOREIGN, Hop, translated
from lakecheck.drivers.webdav_tls import Contexts, mend_abort
from lakecheck.errors import DriverError, ProtocolError, TlsFailed, Unreachable
from lakecheck.model import NOBODY, Credential

mend_abort()
ROOM = 1 << 20  # bytes of an answer that are read
DAY = 86400.0
# The handshake of the XRootD protocol, https://xrootd.slac.stanford.edu/doc/dev56/XRdv520.htm
HELLO = struct.pack("!5i", 0, 0, 0, 4, 2012)
REPLY = struct.Struct("!2sHiii")


class Answer(Struct, frozen=True):
    """An HTTP answer; `latency` in seconds, connecting included."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency: float

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Lasting(Struct, frozen=True):
    """What a server's certificate says of itself."""

    until: datetime
    issuer: str

    @property
    def days_left(self) -> float:
        """Days until it ends; negative afterwards."""
        return round((self.until - datetime.now(UTC)).total_seconds() / DAY, 3)


async def ask(
    url: str,
    ca: str = "",
    credential: Credential = NOBODY,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once, over a connection of its own; raises DriverError."""
    sent = {"User-Agent": f"lakecheck/{__version__}", "Accept": "application/json, */*;q=0.5"}
    if credential.kind == "token":
        sent["Authorization"] = f"Bearer {token.read(credential.token).text}"
    context = Contexts().get(ca, credential) if url.startswith("https:") else True
    unlimited = aiohttp.ClientTimeout(total=None, sock_connect=None)  # the case's time limits it
    began = time.perf_counter()
    try:
        connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=unlimited) as session,
            session.request(
                method, url, headers={**sent, **(headers or {})}, allow_redirects=False
            ) as response,
        ):
            took = time.perf_counter() - began
            body = await read(response.content, ROOM)
            return Answer(response.status, response.headers, body, took)
    except FOREIGN as error:
        raise translated(error, Hop(url, "service", math.inf), credential) from None


async def hello(url: str) -> tuple[str, float]:
    """Greet an XRootD server; give its protocol's version, and the seconds that it took."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 1094
    began = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise _unreachable(error, f"{host}:{port}") from None
    try:
        writer.write(HELLO)
        told = await reader.readexactly(REPLY.size)
    except (OSError, asyncio.IncompleteReadError):
        why = f"{host}:{port}: it closed the connection instead of a reply to XRootD's handshake"
        raise ProtocolError(why, side="service", phase="handshake") from None
    finally:
        writer.transport.abort()
    took = time.perf_counter() - began
    _, status, length, version, _ = REPLY.unpack(told)
    if status or length != 8:
        why = f"{host}:{port}: what answers does not speak XRootD's protocol"
        raise ProtocolError(why, side="service", phase="handshake")
    return f"{version >> 8:x}.{version >> 4 & 15:x}.{version & 15:x}", took


async def certificate(url: str, credential: Credential = NOBODY) -> Lasting:
    """Look at a server's certificate, whether it is trusted or not; raises DriverError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is only looked at; `ask` decides about trust
    if proxy := credentials.place(credential):
        context.load_cert_chain(proxy)
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except ssl.SSLError as error:
        raise TlsFailed(f"{host}:{port}: {error}", side="service", phase="tls") from None
    except OSError as error:
        raise _unreachable(error, f"{host}:{port}") from None
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    found = x509.load_der_x509_certificate(shown)
    return Lasting(found.not_valid_after_utc, found.issuer.rfc4514_string())


def _unreachable(error: OSError, address: str) -> DriverError:
    told = f"{address}: {error.strerror or error}"
    if isinstance(error, socket.gaierror):
        return Unreachable(told, side="network", phase="resolve", code=error.errno)
    return Unreachable(told, side="service", phase="connect", code=error.errno)
