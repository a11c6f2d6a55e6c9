"""Whether a server is ready, asked in its own protocol."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from urllib.parse import SplitResult, urlsplit

from lakecheck.devlake.server import Server, Speaks, Storage

PROBE_WITHIN = 5.0  # s
LOOK_WITHIN = 10.0  # s; a busy machine is no reason to restart a server
# A manager that is not ready may tell xrdfs to wait for long; asking anew is quicker.
LOCATE_WITHIN = 1.0  # s
_HANDSHAKE = struct.pack("!5i", 0, 0, 0, 4, 2012)  # XRootD protocol, client's initial handshake


async def answers(server: Server, within: float = PROBE_WITHIN) -> bool:
    """Say whether a server answers on all its listeners."""
    if server.socket and not _listens(server.socket):
        return False
    probes = [
        _probe(listener.port, protocol)
        for listener in server.listeners
        for protocol in listener.speaks
    ]
    if server.probe:
        probes.append(_probe_url(urlsplit(server.probe)))
    try:
        async with asyncio.timeout(within):
            await asyncio.gather(*probes)
    except (OSError, EOFError, ValueError, TimeoutError):
        return False
    return True


async def _probe_url(url: SplitResult) -> None:
    assert url.hostname
    assert url.port
    context = _any_certificate() if url.scheme == "https" else None
    reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=context)
    try:
        if url.scheme in _GREETINGS:
            await _GREETINGS[url.scheme](reader, writer)
        elif url.scheme == "stomp":
            await _stomp(reader, writer, url)
        elif url.scheme in ("http", "https"):
            path = url.path + (f"?{url.query}" if url.query else "")
            host = f"Host: {url.netloc}\r\nConnection: close\r\n\r\n"
            writer.write(f"GET {path} HTTP/1.1\r\n{host}".encode())
            status = int((await reader.readuntil(b"\n")).split()[1])
            if status >= 400 and status != 401:
                raise ValueError(f"HTTP status {status} on port {url.port}")
    finally:
        writer.transport.abort()


async def _stomp(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: SplitResult
) -> None:
    who = f"login:{url.username}\npasscode:{url.password}\n" if url.username else ""
    writer.write(f"STOMP\naccept-version:1.2\nhost:localhost\n{who}\n\0".encode())
    if await reader.readline() != b"CONNECTED\n":
        raise ValueError(f"no STOMP on port {url.port}")
    await reader.readuntil(b"\0")
    writer.write(b"DISCONNECT\n\n\0")  # else each look leaves a warning in the broker's log
    await writer.drain()
    await reader.read()


async def _kafka(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Metadata request (api 3, version 1) for no topic: a broker is named once it has registered.
    request = struct.pack("!hhih4si", 3, 1, 1, 4, b"lake", 0)
    writer.write(struct.pack("!i", len(request)) + request)
    (size,) = struct.unpack("!i", await reader.readexactly(4))
    _, brokers = struct.unpack_from("!ii", await reader.readexactly(size))
    if brokers < 1:
        raise ValueError("no broker has registered")


async def _amqp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"AMQP\0\0\x09\x01")
    if await reader.readexactly(1) != b"\x01":  # the method frame connection.start
        raise ValueError("no AMQP 0-9-1")


async def _epmd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\0\x01n")  # NAMES_REQ; the answer begins with its port
    await reader.readexactly(4)


async def _postgresql(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # A start-up message, as pg_isready sends it: R asks for a password, and E says "not yet".
    settings = b"user\0lake\0database\0lake\0\0"
    writer.write(struct.pack("!ii", 8 + len(settings), 3 << 16) + settings)
    if await reader.readexactly(1) != b"R":
        raise ValueError("it takes no clients")


_GREETINGS = {"kafka": _kafka, "amqp": _amqp, "epmd": _epmd, "postgresql": _postgresql}


def _listens(path: str) -> bool:
    # Seen without a connection, which the server would have to make sense of. Columns (proc(5)):
    # Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 is SO_ACCEPTCON.
    with open("/proc/net/unix") as sockets:
        rows = [line.split() for line in sockets]
    return any(row[7:] == [path] and int(row[3], 16) & 0x10000 for row in rows[1:])


def _probe(port: int, protocol: Speaks) -> Awaitable[None]:
    probes: dict[Speaks, Callable[[int], Awaitable[None]]] = {
        "root": _root,
        "https": _https,
        "gsiftp": _gsiftp,
        "cms": _connect,
    }
    return probes[protocol](port)


async def _root(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_HANDSHAKE)
        answer = await reader.readexactly(16)
        if answer[:8] != struct.pack("!2xHi", 0, 8):
            raise ValueError(f"no XRootD handshake on port {port}")
    finally:
        writer.close()


async def _https(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=_any_certificate())
    try:
        writer.write(b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if not (await reader.readuntil(b"\n")).startswith(b"HTTP/"):
            raise ValueError(f"no HTTP on port {port}")
    finally:
        writer.transport.abort()


@cache
def _any_certificate() -> ssl.SSLContext:
    # It is our own server: only whether it answers matters, also with a stranger's certificate.
    # Loading the system's authorities for each look would cost a tenth of a core.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _gsiftp(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if not (await reader.readuntil(b"\n")).startswith(b"220"):
            raise ValueError(f"no FTP banner on port {port}")
    finally:
        writer.close()


async def _connect(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def cluster_is_whole(storage: Storage, environment: Mapping[str, str]) -> bool:
    """Say whether the manager of a redirecting RSE knows all its data servers."""
    settings = {
        **environment,
        "XRD_CONNECTIONWINDOW": "2",
        "XRD_CONNECTIONRETRY": "1",
        "XRD_REQUESTTIMEOUT": "3",
        "XRD_STREAMTIMEOUT": "3",
    }
    child = await asyncio.create_subprocess_exec(
        *storage.ready,
        env=settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(child.communicate(), LOCATE_WITHIN)
    except TimeoutError:
        child.kill()
        await child.wait()
        return False
    # A dead server is listed as `ServerPending`, hence the blank.
    return output.count(b" Server ") >= storage.data_servers
