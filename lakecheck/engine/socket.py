"""`RUN/engine.sock`: how other processes ask the one engine of a run, in lines of JSON."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from lakecheck.engine.calls import error_to_wire
from lakecheck.engine.desk import Desk
from lakecheck.errors import DriverError, LakecheckError, TesterFailed

SOCKET = "engine.sock"
LINE_LIMIT = 64 * 2**20  # bytes; a test's own content travels in a line


@contextlib.contextmanager
def short_path(path: Path) -> Any:
    """A name for a socket's path that fits the kernel's 107 bytes, however deep the folder."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def serve(desk: Desk, path: Path) -> asyncio.Server:
    """Answer at a socket until the server is closed; an old socket's file is replaced."""
    path.unlink(missing_ok=True)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                answer = await _answer(desk, line)
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        writer.close()

    listener = socket.socket(socket.AF_UNIX)
    with short_path(path) as name:
        listener.bind(name)
    os.chmod(path, 0o600)
    return await asyncio.start_unix_server(connected, sock=listener, limit=LINE_LIMIT)


async def _answer(desk: Desk, line: bytes) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(line)
        return {"value": await desk.ask(asked)}
    except DriverError as error:
        return {"error": error_to_wire(error)}
    except LakecheckError as error:
        return {"error": error_to_wire(TesterFailed(str(error)))}
    except Exception as error:  # whatever was asked, the one who waits gets an answer
        return {"error": error_to_wire(TesterFailed(f"{type(error).__name__}: {error}"))}
