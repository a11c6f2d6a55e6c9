"""Removes what a killed run left on storages and on this machine."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.payloads import folder_of
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.tools import folder_url
from lakecheck.errors import LakecheckError, Missing
from lakecheck.model import NOBODY, RSE, Credential, DriverChoice, Endpoint, Inventory

TIMEOUT = 10.0  # seconds a file
AT_ONCE = 16
log = logging.getLogger("lakecheck.engine")


class Removal(Struct):
    """What became of the files that a run left: removed, gone already, or kept with the reason."""

    removed: int = 0
    gone: int = 0
    kept: list[tuple[str, str]] = []


class Remover:
    """Removes files with the connections of one set of sessions."""

    def __init__(
        self, inventory: Inventory, credentials: Mapping[str, Credential], ledger: Ledger
    ) -> None:
        self._endpoints = {end.url: end for rse in inventory.rses.values() for end in rse.endpoints}
        self._credentials = credentials
        self._ledger = ledger
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._silent: set[str] = set()  # URLs of endpoints
        self.removal = Removal()

    async def remove(self, left: Iterable[Created], sessions: Sessions) -> Removal:
        """Remove each file; whatever stops that is told, not raised."""
        await asyncio.gather(*(self._one(created, sessions) for created in left))
        return self.removal

    async def _one(self, created: Created, sessions: Sessions) -> None:
        endpoint = self._endpoints.get(created.endpoint)
        if endpoint is None:
            self._keep(created.url, "its endpoint is no longer in the inventory")
            return
        try:
            async with self._turn:
                if endpoint.url in self._silent:  # each further file would wait as long
                    raise TimeoutError
                async with asyncio.timeout(TIMEOUT):
                    await self._delete(sessions, created, endpoint)
        except Missing:
            self.removal.gone += 1
        except TimeoutError:
            self._silent.add(endpoint.url)
            self._keep(created.url, f"no answer within {TIMEOUT:g}s")
            return
        except LakecheckError as error:
            self._keep(created.url, str(error))
            return
        else:
            self.removal.removed += 1
        self._ledger.gone(created.url)

    async def _delete(self, sessions: Sessions, created: Created, endpoint: Endpoint) -> None:
        credential = self._credentials.get(created.credential, NOBODY)
        choice = DriverChoice(created.driver)
        await sessions.storage(choice, endpoint, credential, TIMEOUT).delete(created.url)

    def _keep(self, url: str, why: str) -> None:
        self.removal.kept.append((url, why))
        log.warning("still there: %s: %s", url, why)


def remove_local(run_id: str) -> None:
    """Delete a run's local files."""
    shutil.rmtree(folder_of(run_id), ignore_errors=True)


def remove_left(
    run_id: str, path: Path, inventory: Inventory, credentials: Mapping[str, Credential]
) -> Removal:
    """Remove every file that a run's ledger says may still be on a storage.

    Without a ledger, the storages' folders are searched for the run's name.
    """
    return asyncio.run(_remove_left(run_id, path, inventory, credentials))


async def _remove_left(
    run_id: str, path: Path, inventory: Inventory, credentials: Mapping[str, Credential]
) -> Removal:
    known = path.exists()
    ledger, sessions = Ledger(path), Sessions(folder_of(run_id))
    remover = Remover(inventory, credentials, ledger)
    try:
        left: Sequence[Created] = ledger.left
        if not known:
            left = await _search(run_id, inventory, credentials, sessions)
        return await remover.remove(left, sessions)
    finally:
        await sessions.close()
        ledger.close()


async def _search(
    run_id: str,
    inventory: Inventory,
    credentials: Mapping[str, Credential],
    sessions: Sessions,
) -> list[Created]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(rse: RSE) -> list[Created]:
        found: dict[str, Created] = {}
        for end in rse.endpoints:
            choice = rse.driver or DriverChoice()
            folder = folder_url(end)
            credential = credentials.get(rse.credential, NOBODY)
            try:
                async with turn, asyncio.timeout(TIMEOUT):
                    storage = sessions.storage(choice, end, credential, TIMEOUT)
                    names = [entry.name for entry in await storage.list(folder)]
            except (TimeoutError, LakecheckError) as error:
                log.info("searching %s: %s", folder, str(error) or "no answer")
                continue
            for name in names:
                if name.startswith(f"{run_id}-"):
                    url = f"{folder}/{name}"
                    found.setdefault(name, Created(url, end.url, rse.credential, choice.name))
        return list(found.values())

    pages = await asyncio.gather(*(one(rse) for rse in inventory.rses.values()))
    return [created for page in pages for created in page]
