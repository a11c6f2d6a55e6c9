"""Stands in for servers that hang: it accepts on their ports and then says too little."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from lakecheck.devlake.server import Listener

_TLS_HANDSHAKE = 0x16  # first byte of a TLS record that opens a connection
_ROOT_ANSWER = struct.pack("!2xHiii", 0, 8, 0x0500, 1)  # handshake accepted, a data server


class Front:
    """Listens on an RSE's ports in the place of its servers.

    `hang` accepts and is silent. `hang-tls` is silent after the first exchange: the TLS
    handshake (https), the initial handshake (root), the banner and the answer to AUTH (gsiftp).
    """

    def __init__(self, kind: str, certificate: Path, key: Path) -> None:
        self._polite = kind == "hang-tls"
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._listening: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, listener: Listener) -> None:
        """Take over one port."""
        sock = socket.create_server(("127.0.0.1", listener.port), backlog=1024)
        sock.setblocking(False)
        self._listening.append(sock)
        self._spawn(self._accept(sock, listener))

    async def close(self) -> None:
        """Drop every connection and give the ports back."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in self._listening:
            sock.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, sock: socket.socket, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(sock)
            self._spawn(self._serve(connection, listener))

    async def _serve(self, connection: socket.socket, listener: Listener) -> None:
        with connection, contextlib.suppress(OSError, EOFError, ssl.SSLError):
            if self._polite:
                await self._greet(connection, listener)
            else:
                await _silence(connection)

    async def _greet(self, connection: socket.socket, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        if "gsiftp" in listener.speaks:
            await loop.sock_sendall(connection, b"220 localhost GridFTP Server ready.\r\n")
            await loop.sock_recv(connection, 512)
            await loop.sock_sendall(connection, b"334 Using authentication type; ADAT follows.\r\n")
        elif await _first_byte(connection) == _TLS_HANDSHAKE:
            await self._shake_hands(connection)
        else:
            await loop.sock_recv(connection, 20)
            await loop.sock_sendall(connection, _ROOT_ANSWER)
        await _silence(connection)

    async def _shake_hands(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        # The transport owns and closes the copy.
        transport, protocol = await loop.connect_accepted_socket(
            _Silent, connection.dup(), ssl=self._tls
        )
        try:
            await protocol.ended
        finally:
            transport.abort()


class _Silent(asyncio.Protocol):
    """Reads and never answers."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the waiting task end with the connection."""
        if not self.ended.done():
            self.ended.set_result(None)


async def _first_byte(connection: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    first = connection.recv(1, socket.MSG_PEEK)
    return first[0] if first else -1


async def _silence(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(connection, 65536):
        pass
