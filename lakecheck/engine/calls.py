"""Storage calls on behalf of own tests in Python, inside the engine and within a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path
from typing import Any

import msgspec

from lakecheck.drivers.base import Payload, Storage
from lakecheck.engine.ledger import Created
from lakecheck.engine.payloads import of_content
from lakecheck.engine.tools import folder_url, remote_name
from lakecheck.engine.workshop import Workshop
from lakecheck.errors import DriverError, LakecheckError, Missing, TesterFailed, TimedOut
from lakecheck.model import Case

METHODS = frozenset({"write", "read", "stat", "checksum", "list", "mkdir", "delete", "clean"})


class Calls:
    """Executes one call at a time for each test; names are relative to the test's own corner."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._made: dict[str, list[str]] = {}

    def url(self, case: Case, name: str) -> str:
        """Complete URL of a test's own name; a name with `://` is one already."""
        assert case.endpoint is not None
        if "://" in name:
            return name
        if ".." in name.split("/"):
            raise TesterFailed(f'"{name}" leads out of the test\'s own corner: it has ".."')
        corner = f"{folder_url(case.endpoint)}/{remote_name(self._workshop.run_id, case.address)}"
        return f"{corner}-{name}" if name else folder_url(case.endpoint)

    async def call(self, case: Case, method: str, name: str, argument: Any, left: float) -> Any:
        """Make one call; raises DriverError, TimedOut after `left` seconds."""
        if method not in METHODS:
            raise TesterFailed(f'a storage has no call "{method}"')
        try:
            async with asyncio.timeout(left):
                return await getattr(self, f"_{method}")(case, name, argument)
        except TimeoutError:
            raise TimedOut(
                f"no answer within the {case.test.timeout:g}s that the test's storage has in all",
                phase=method,
            ) from None

    def _storage(self, case: Case) -> Storage:
        assert case.endpoint is not None
        return self._workshop.sessions.storage(
            case.driver,
            case.endpoint,
            self._workshop.credential(case),
            case.test.timeout,
        )

    async def _write(self, case: Case, name: str, content: bytes) -> None:
        url = self.url(case, name)
        local = await self._local(content)
        assert case.endpoint is not None
        self._workshop.ledger.creating(
            Created(url, case.endpoint.url, case.credential, case.driver.name)
        )
        self._made.setdefault(case.address, []).append(url)
        try:
            await self._storage(case).put(url, local)
        finally:
            Path(local.path).unlink(missing_ok=True)

    async def _local(self, content: bytes) -> Payload:
        folder = self._workshop.payloads.folder
        return await asyncio.to_thread(of_content, folder, secrets.token_hex(8), content)

    async def _read(self, case: Case, name: str, argument: Any) -> bytes:
        folder = self._workshop.payloads.folder
        folder.mkdir(mode=0o700, exist_ok=True)
        into = folder / f"read-{secrets.token_hex(8)}"
        try:
            await self._storage(case).get(self.url(case, name), None, str(into))
            return await asyncio.to_thread(into.read_bytes)
        finally:
            into.unlink(missing_ok=True)

    async def _stat(self, case: Case, name: str, argument: Any) -> Any:
        return msgspec.to_builtins(await self._storage(case).stat(self.url(case, name)))

    async def _checksum(self, case: Case, name: str, algorithm: Any) -> str:
        told = await self._storage(case).checksum(self.url(case, name), algorithm)
        return told

    async def _list(self, case: Case, name: str, argument: Any) -> Any:
        return msgspec.to_builtins(await self._storage(case).list(self.url(case, name)))

    async def _mkdir(self, case: Case, name: str, argument: Any) -> None:
        url = self.url(case, name)
        assert case.endpoint is not None
        self._workshop.ledger.creating(
            Created(url, case.endpoint.url, case.credential, case.driver.name)
        )
        self._made.setdefault(case.address, []).append(url)
        await self._storage(case).mkdir(url)

    async def _delete(self, case: Case, name: str, argument: Any) -> None:
        url = self.url(case, name)
        await self._storage(case).delete(url)
        self._workshop.ledger.gone(url)
        with contextlib.suppress(ValueError):
            self._made.get(case.address, []).remove(url)

    async def _clean(self, case: Case, name: str, argument: Any) -> int:
        """Remove what a test made and left, newest first; what stays is in the ledger."""
        made = self._made.pop(case.address, [])
        for url in reversed(made):
            try:
                await self._storage(case).delete(url)
            except Missing:
                pass
            except LakecheckError:
                continue
            self._workshop.ledger.gone(url)
        return len(made)


def error_to_wire(error: DriverError) -> dict[str, Any]:
    """What crosses the socket of an error."""
    return {
        "class": error.error_class,
        "message": error.message,
        "code": error.code,
        "side": error.side,
        "phase": error.phase,
        "host": error.host,
    }
