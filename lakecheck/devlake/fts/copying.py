"""One transfer, step by step as FTS makes it: source, destination, copy, checksums."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from lakecheck.devlake.fts.log import TransferLog
from lakecheck.drivers.base import Session, Storage
from lakecheck.errors import (
    Corrupt,
    Denied,
    DriverError,
    Missing,
    TesterFailed,
    TimedOut,
    Unreachable,
    Unsupported,
)
from lakecheck.model import Algorithm, Credential, Endpoint

CLEAN_WITHIN = 15.0  # seconds
STAYS_AWAY = 3  # looks in a row that find nothing, after a copy that was interrupted
# What a kept connection says whose server was started anew. FTS has a process for each file, and
# so no connections from before.
_HUNG_UP = ("unexpected eof", "DESTINATION OVERWRITE Result (Neon)")
_CODES: dict[type[DriverError], int] = {
    TimedOut: errno.ETIMEDOUT,
    Unreachable: errno.ECONNREFUSED,
    Unsupported: errno.EPROTONOSUPPORT,
    Missing: errno.ENOENT,
    Denied: errno.EACCES,
    TesterFailed: errno.ECOMM,
}


class Failed(Exception):
    """A transfer that failed, in FTS's form: `SOURCE [2] Failed to stat file (…)`."""

    def __init__(self, scope: str, code: int, message: str) -> None:
        super().__init__(f"{scope} [{code}] {message}")
        self.code = code


class Wish(Struct, frozen=True):
    """What is to be copied, and how; `checksum` is `ADLER32` or `ADLER32:VALUE`."""

    source: str
    destination: str
    verify: str  # b, s, t or n
    checksum: str
    size: float  # as the user told it, or 0
    overwrite: bool
    own_rest: bool  # an interrupted copy of this very transfer may be there

    @property
    def algorithm(self) -> str:
        """The algorithm's name as storages are asked for it."""
        return self.checksum.partition(":")[0].lower()

    @property
    def value(self) -> str:
        """What the user says that the checksum is, or nothing."""
        return plain(self.checksum.partition(":")[2])


class Done(Struct, frozen=True):
    """A transfer that came about."""

    size: int
    seconds: float


class Transfer:
    """Both ends of one transfer, reached with one credential."""

    def __init__(
        self,
        session: Session,
        wish: Wish,
        credential: Credential,
        ca: str,
        timeout: float,
        log: TransferLog,
    ) -> None:
        self.wish = wish
        self._log = log
        here, there = endpoint(wish.source, ca), endpoint(wish.destination, ca)
        self._source: Storage = session.storage(here, credential, timeout)
        self._destination: Storage = session.storage(there, credential, timeout)
        self._copier = session.copier(here, there, credential, timeout)

    async def run(self, copying: Callable[[], None]) -> Done:
        """Transfer; `copying` is called before the destination may be written. Raises Failed."""
        wish = self.wish
        if wish.verify in "st" and not wish.value:
            # gfal2's word when FTS hands it such a pair; the submission itself is accepted.
            why = "Checksum value required if mode is not end to end"
            raise Failed("TRANSFER", errno.EINVAL, why)
        size = await self._look_at_source()
        in_the_way = await self._look_at_destination()
        wanted = await self._source_checksum()
        if in_the_way:
            await self._make_way()
        copying()
        begun = time.monotonic()
        try:
            await self._copy(size)
            await self._compare(wanted)
        except Failed as failed:
            if failed.code != errno.EEXIST:
                await self.clean()
            raise
        return Done(size, time.monotonic() - begun)

    async def _look_at_source(self) -> int:
        found = await self._ask("SOURCE", "stat", lambda: self._source.stat(self.wish.source))
        if found.is_folder:
            raise Failed("SOURCE", errno.EISDIR, "Source is a directory")
        told = int(self.wish.size)
        if told and told != found.size:
            why = f"User specified source file size is {told}, but stat returned {found.size}"
            raise Failed("SOURCE", errno.EINVAL, why)
        self._log(f"source has {found.size} bytes")
        return int(found.size)

    async def _source_checksum(self) -> str:
        """Give what the copy's checksum must be; empty where nobody asks."""
        wish = self.wish
        if wish.verify not in "bs":
            return wish.value if wish.verify == "t" else ""
        found = await self._checksum("SOURCE", self._source, wish.source)
        if wish.value and found != wish.value:
            raise Failed("TRANSFER", errno.EIO, "User and source checksums do not match")
        return found if wish.verify == "b" else ""

    async def _checksum(self, scope: str, storage: Storage, url: str) -> str:
        algorithm = cast(Algorithm, self.wish.algorithm)
        found = plain(await self._ask(scope, "checksum", lambda: storage.checksum(url, algorithm)))
        self._log(f"{scope.lower()} has {algorithm} {found}")
        return found

    async def _look_at_destination(self) -> bool:
        """Say whether something has to be removed there."""
        url = self.wish.destination
        if self.wish.own_rest:
            return True
        try:
            await self._ask("DESTINATION", "stat", lambda: self._destination.stat(url))
        except Failed as failed:
            if failed.code == errno.ENOENT:
                return False
            raise
        if not self.wish.overwrite:
            why = "Destination file exists and overwrite is not enabled"
            raise Failed("DESTINATION", errno.EEXIST, why)
        return True

    async def _make_way(self) -> None:
        if self.wish.own_rest:
            await self.clean()
            return
        url = self.wish.destination
        self._log("the destination exists and is removed")
        await self._ask("DESTINATION", "delete", lambda: self._destination.delete(url))

    async def _copy(self, size: int) -> None:
        try:
            await self._copy_once(size)
        except Failed as failed:
            if failed.code != errno.EEXIST or not self.wish.own_rest:
                raise
            # A server that still worked on the interrupted copy has made the file again.
            await self.clean()
            await self._copy_once(size)

    async def _copy_once(self, size: int) -> None:
        wish = self.wish
        self._log("third-party copy begins, pulled by the destination")
        copied = await self._ask(
            "TRANSFER",
            "copy",
            lambda: self._copier.copy(wish.source, wish.destination, "pull", None, size),
        )
        self._log(f"third-party copy is done: {copied.mode}, streamed: {copied.streamed}")
        # With gsiftp the client leads both servers, and gfal2 calls that a push.
        led = wish.source.startswith("gsiftp:")
        if copied.streamed or (copied.mode != "pull" and not led):
            why = "The copy was not pulled by the destination, which alone is wanted here"
            raise Failed("TRANSFER", errno.EPROTONOSUPPORT, why)

    async def _compare(self, wanted: str) -> None:
        if self.wish.verify not in "bt":
            return
        found = await self._checksum("DESTINATION", self._destination, self.wish.destination)
        if found != wanted:
            which = "Source" if self.wish.verify == "b" else "User"
            why = f"{which} and destination checksums do not match"
            raise Failed("TRANSFER", errno.EIO, why)

    async def _ask(self, scope: str, step: str, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            try:
                return await call()
            except DriverError as error:
                if not any(sign in error.message for sign in _HUNG_UP):
                    raise
                self._log(f"{scope} {step}: asked again after {error.message}")
                return await call()
        except DriverError as error:
            self._log(f"{scope} {step}: {type(error).__name__}, {error.code}, {error.message}")
            if step == "copy" and isinstance(error, Corrupt):
                why = "Source and destination file size mismatch"
                raise Failed("DESTINATION", errno.EINVAL, why) from None
            raise Failed(scope, code_of(error), error.message) from None

    async def clean(self) -> None:
        """Remove what an unfinished copy left, looking again while a server may still write it."""
        gone = 0
        with contextlib.suppress(DriverError, TimeoutError):
            async with asyncio.timeout(CLEAN_WITHIN):
                while gone < STAYS_AWAY:
                    try:
                        await self._destination.delete(self.wish.destination)
                        self._log("the unfinished copy is removed")
                        gone = 0
                    except Missing:
                        gone += 1
                    await asyncio.sleep(0.2)
        self._log("cleaned up" if gone else "the destination could not be cleaned up")


def code_of(error: DriverError) -> int:
    """Give the number that FTS would show: the library's, or one that means the same."""
    if isinstance(error, Missing):
        return errno.ENOENT  # whatever the protocol calls it
    return error.code or _CODES.get(type(error), errno.EIO)


def plain(checksum: str) -> str:
    """Write a checksum so that equal ones are equal: lower case, no leading zeros."""
    return checksum.strip().lower().lstrip("0")


def endpoint(url: str, ca: str) -> Endpoint:
    """Give the server of a URL as a driver wants it."""
    parts: SplitResult = urlsplit(url)
    host = parts.hostname or ""
    return Endpoint(
        rse=parts.netloc,
        url=f"{parts.scheme}://{parts.netloc}",
        scheme=parts.scheme,
        host=host,
        port=parts.port or 0,
        path="",
        protocol=parts.scheme,
        ca=ca,
    )


def wish_of(file: Mapping[str, Any], job: Mapping[str, Any]) -> Wish:
    """Read the rows of a file and of its job."""
    return Wish(
        source=file["source_surl"],
        destination=file["dest_surl"],
        verify=job["verify_checksum"],
        checksum=file["checksum"],
        size=file["user_filesize"],
        overwrite=bool(job["overwrite_flag"]),
        own_rest=bool(file["copying"]),
    )
