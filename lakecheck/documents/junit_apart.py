"""A JUnit file parsed in a process of its own, while this one makes documents of its cases.

`python -P -m lakecheck.documents.junit_apart` reads a JUnit file on standard input, and writes its
batches in frames on standard output.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import msgspec

from lakecheck.documents.junit_case import Batch
from lakecheck.documents.junit_parse import Malformed
from lakecheck.documents.junit_parse import parsed as parsed_here

COMMAND = ("-P", "-m", "lakecheck.documents.junit_apart")
_LENGTH = 4  # bytes, that tell how long a frame is
_PIPE = 2**20  # bytes that it may be ahead


class _Frame(msgspec.Struct, array_like=True):
    batches: list[Batch] = []
    last: bool = False
    wrong: str = ""  # of the last


def parsed(file: IO[bytes]) -> Iterator[list[Batch]]:
    """Give the batches of a file from its beginning; Malformed where it is no whole JUnit."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # to seek in `file` may only move in its buffer
    try:
        child = subprocess.Popen(
            [sys.executable, *COMMAND], stdin=file, stdout=subprocess.PIPE, pipesize=_PIPE
        )
    except OSError:  # no more processes are allowed here
        yield from parsed_here(file)
        return
    with child:
        assert child.stdout  # it is a pipe
        try:
            for frame in _frames(child.stdout):
                yield frame.batches
                if frame.wrong:
                    raise Malformed(frame.wrong)
                if frame.last:
                    return
            raise Malformed(f"the process that read it ended early, with {child.wait()}")
        finally:
            child.kill()  # it has nothing left to do, or nobody to do it for


def _frames(pipe: IO[bytes]) -> Iterator[_Frame]:
    """Give the frames that arrive whole."""
    decode = msgspec.msgpack.Decoder(_Frame).decode
    while len(length := pipe.read(_LENGTH)) == _LENGTH:
        frame = pipe.read(int.from_bytes(length))
        if len(frame) < int.from_bytes(length):
            return
        yield decode(frame)


def main() -> None:
    """Parse standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    wrong = ""
    try:
        for found in parsed_here(sys.stdin.buffer):
            if found:
                _write(_Frame(found))
    except Malformed as error:
        wrong = str(error)
    except BrokenPipeError:
        return
    _write(_Frame(last=True, wrong=wrong))


_encode = msgspec.msgpack.Encoder().encode


def _write(frame: _Frame) -> None:
    encoded = _encode(frame)
    sys.stdout.buffer.write(len(encoded).to_bytes(_LENGTH) + encoded)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
