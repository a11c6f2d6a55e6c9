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
        if url.scheme == "stomp":
            writer.write(b"STOMP\naccept-version:1.2\nhost:localhost\n\n\0")
            if await reader.readline() not in (b"CONNECTED\n", b"ERROR\n"):  # who we are is unknown
                raise ValueError(f"no STOMP on port {url.port}")
        elif url.scheme in ("http", "https"):
            path = url.path + (f"?{url.query}" if url.query else "")
            host = f"Host: {url.netloc}\r\nConnection: close\r\n\r\n"
            writer.write(f"GET {path} HTTP/1.1\r\n{host}".encode())
            status = int((await reader.readuntil(b"\n")).split()[1])
            if status >= 400 and status != 401:
                raise ValueError(f"HTTP status {status} on port {url.port}")
    finally:
        writer.transport.abort()


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
