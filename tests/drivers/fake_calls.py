"""Calls of a library that sleeps, crashes and shouts, for tests of worker processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any


class Failure(Exception):
    code = 28
    host = "server.example:1094"


def append(path: str, line: str) -> None:
    with open(path, "a") as file:
        file.write(line)


def crash(path: str, number: int) -> None:
    append(path, "called\n")
    sys.stderr.write("something about memory\n")
    sys.stderr.flush()
    os.kill(os.getpid(), number)
    time.sleep(60)


def flood(count: int) -> int:
    block = b"noise " * 1000
    for _ in range(count):
        os.write(1, block)
        os.write(2, block)
    return count


def fail() -> None:
    raise Failure("no space left")


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def announce(path: str, seconds: float) -> None:
    """Tells its process id in a file that appears whole, then sleeps."""
    append(f"{path}.new", str(os.getpid()))
    os.rename(f"{path}.new", path)
    time.sleep(seconds)


def await_file(path: str) -> int:
    while not os.path.exists(path):
        time.sleep(0.01)
    return os.getpid()


def with_child(path: str) -> None:
    """Starts a process of its own, as some libraries do, and hangs."""
    child = os.fork()
    if child == 0:
        append(path, str(os.getpid()))
        time.sleep(600)
    time.sleep(600)


CALLS: dict[str, Callable[..., Any]] = {
    "announce": announce,
    "await_file": await_file,
    "crash": crash,
    "echo": lambda *arguments: arguments,
    "environment": os.environ.get,
    "exit": os._exit,
    "fail": fail,
    "flood": flood,
    "ignores": lambda number: signal.getsignal(number) is signal.SIG_IGN,
    "many": lambda count: [("name", False)] * count,
    "odd": lambda: object(),
    "pid": os.getpid,
    "sleep": sleep,
    "with_child": with_child,
}
