"""The entry of a worker process: makes the calls of one native library, one at a time.

`python -P -m lakecheck.drivers.worker MODULE DESCRIPTOR PARENT`: MODULE has a mapping CALLS of
names to functions, DESCRIPTOR is the socket to the run, PARENT the run's process id. Only light
modules are imported here, since every worker pays for them.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

from lakecheck.drivers.worker_wire import DONE, OURS, RAISED, Judged, pack, unpack

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent is gone, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(0)


def answer(calls: Mapping[str, Callable[..., Any]], name: str, arguments: Any) -> tuple[Any, ...]:
    """Make one call and put what it gave, or raised, into a reply."""
    try:
        return DONE, calls[name](*arguments)
    except Judged as error:
        return error.reply
    except Exception as error:
        code = getattr(error, "code", None)
        if code is None:
            code = getattr(error, "errno", None)
        return RAISED, type(error).__name__, code, str(error), getattr(error, "host", None)


def load(module: str) -> Mapping[str, Callable[..., Any]]:
    """Import the module that makes the calls; what stops it is the answer to every call."""
    try:
        calls: Mapping[str, Callable[..., Any]] = importlib.import_module(module).CALLS
    except ImportError as error:
        return _Unusable(f"a worker process cannot load its library: {error}")
    return calls


class _Unusable(dict[str, Callable[..., Any]]):
    """Calls of a library that is not there."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why

    def __missing__(self, name: str) -> Callable[..., Any]:
        raise Judged("tester", self.why)


def serve(connection: socket.socket, calls: Mapping[str, Callable[..., Any]]) -> None:
    """Answer calls until the run closes the connection."""
    received = bytearray()
    while chunk := connection.recv(65536):
        received += chunk
        while True:
            whole, message = unpack(received)
            if not whole:
                break
            name, arguments = message
            connection.sendall(_frame(answer(calls, name, arguments)))


def _frame(reply: tuple[Any, ...]) -> bytes:
    try:
        return pack(reply)
    except ValueError as error:
        return pack((OURS, "tester", f"a call gave what cannot be sent: {error}", {}))


def main() -> None:
    """Run as a worker until the run ends or closes the connection."""
    module, descriptor, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the run
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    calls = load(module)
    connection = socket.socket(fileno=descriptor)
    connection.sendall(pack((DONE, None)))  # the greeting: what it needs is imported
    serve(connection, calls)
    os._exit(0)  # the exit handlers of native libraries may hang


if __name__ == "__main__":
    main()
