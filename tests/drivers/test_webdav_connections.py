from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lakecheck.drivers.webdav import DRIVER
from lakecheck.drivers.webdav_storage import WebdavStorage
from lakecheck.errors import ProtocolError
from lakecheck.model import NOBODY, DriverChoice, Endpoint
from tests.drivers.fake_storage import LISTING

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def perform(server: Server, act: Callable[[WebdavStorage], Awaitable[None]]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await server(reader, writer)
        finally:
            writer.close()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            url = f"dav://127.0.0.1:{port}/data"
            end = Endpoint("FAKE", url, "dav", "127.0.0.1", port, "/data", "dav")
            session = DRIVER.open(DriverChoice("webdav"))
            try:
                async with asyncio.timeout(30):
                    await act(session.storage(end, NOBODY, 10))
            finally:
                await session.close()

    asyncio.run(run())


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = LISTING.format("/data/file", 7).encode()
    head = f"HTTP/1.1 207 Multi-Status\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


def test_a_kept_connection_that_ends_when_it_is_used_is_no_failure() -> None:
    connections = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await answer(reader, writer)
        await reader.readuntil(b"\r\n\r\n")  # and hang up

    async def act(storage: WebdavStorage) -> None:
        for _ in range(2):
            assert (await storage.stat(f"{storage.endpoint.url}/file")).size == 7
        assert len(connections) == 2

    perform(server, act)


def test_connections_are_kept() -> None:
    connections = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while not reader.at_eof():
            try:
                await answer(reader, writer)
            except asyncio.IncompleteReadError:
                return

    async def act(storage: WebdavStorage) -> None:
        for _ in range(5):
            await storage.stat(f"{storage.endpoint.url}/file")
        assert len(connections) == 1

    perform(server, act)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "closed the connection without an answer"),
        (b"220 this is FTP\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "broke off in mid-answer"),
        (b"HTTP/1.1 207 OK\r\nContent-Length: 6\r\n\r\n<html>", "the answer to PROPFIND is no XML"),
    ],
)
def test_what_is_no_answer(said: bytes, message: str) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async def act(storage: WebdavStorage) -> None:
        with pytest.raises(ProtocolError, match=message):
            await storage.stat(f"{storage.endpoint.url}/file")

    perform(server, act)
