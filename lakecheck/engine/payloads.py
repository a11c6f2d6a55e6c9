"""Local files to upload: one a size and run, with content that no other run has."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import tempfile
import threading
import time
import zlib
from pathlib import Path

from lakecheck.drivers.base import Payload
from lakecheck.errors import TesterFailed
from lakecheck.units import show_size

BLOCK = 2**20
LARGE = 8 * BLOCK
REMOVALS = 50  # attempts on a folder into which a thread is still writing


def folder_of(run_id: str) -> Path:
    """Where a run keeps its local files."""
    return Path(tempfile.gettempdir()) / f"lakecheck-{run_id}-{os.getuid()}"


class Payloads:
    """Makes each size once, when it is first asked for."""

    def __init__(self, run_id: str) -> None:
        self.folder = folder_of(run_id)
        self._run_id = run_id
        self._made: dict[int, asyncio.Task[Payload]] = {}
        self._stopped = threading.Event()
        self._entering = threading.Lock()
        self._removed = threading.Event()

    async def of(self, size: int) -> Payload:
        """Payload of a size in bytes; TesterFailed where this machine has no room for it."""
        if size not in self._made:
            self._made[size] = asyncio.create_task(asyncio.to_thread(self._make, size))
        return await asyncio.shield(self._made[size])

    def _make(self, size: int) -> Payload:
        try:
            with self._entering:
                if self._stopped.is_set():
                    raise TesterFailed("the run was interrupted before a local file was made")
                self.folder.mkdir(mode=0o700, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
            if size > free:
                raise TesterFailed(
                    f"no room for a local file of {show_size(size)} in {self.folder}, where "
                    f"{show_size(free)} are free; set TMPDIR to a larger disk"
                )
            path = self.folder / f"payload-{size}"
            return make(path, size, f"{self._run_id}:{size}", self._stopped)
        except OSError as error:
            raise TesterFailed(
                f"no local file of {show_size(size)} in {self.folder}: {error.strerror}; "
                "set TMPDIR to a larger disk"
            ) from None
        finally:
            if self._removed.is_set():  # meanwhile, by whoever did not wait for this thread
                self.remove()

    def stop(self) -> None:
        """Make nothing more; what is being made is given up."""
        self._stopped.set()

    def remove(self) -> None:
        """Delete the local files, and make no more."""
        with self._entering:
            self._stopped.set()
            self._removed.set()
        for _ in range(REMOVALS):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                return
            time.sleep(0.01)


def of_content(folder: Path, name: str, content: bytes) -> Payload:
    """Write given content into a local file."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"own-{name}"
    path.write_bytes(content)
    return Payload(
        str(path),
        len(content),
        f"{zlib.adler32(content) & 0xFFFFFFFF:08x}",
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
    )


def make(path: Path, size: int, seed: str, stopped: threading.Event | None = None) -> Payload:
    """Write pseudo-random content that depends on the seed alone; memory stays flat.

    TesterFailed where `stopped` is set meanwhile.
    """
    block = bytearray(random.Random(seed).randbytes(min(size, BLOCK)))
    adler, md5, left, number = 1, hashlib.md5(usedforsecurity=False), size, 0
    with path.open("wb") as file:
        while left > 0:
            if stopped is not None and stopped.is_set():
                raise TesterFailed("the run was interrupted while a local file was made")
            if len(block) >= 8:
                # Each block differs, so that swapped or repeated blocks do not go unnoticed.
                block[:8] = number.to_bytes(8, "little") if number else block[:8]
            piece = bytes(block[:left])
            file.write(piece)
            adler = zlib.adler32(piece, adler)
            md5.update(piece)
            left -= len(piece)
            number += 1
        if size >= LARGE:
            # What is still on its way to our disk would slow the upload that is measured next.
            file.flush()
            os.fsync(file.fileno())
    return Payload(str(path), size, f"{adler & 0xFFFFFFFF:08x}", md5.hexdigest())
