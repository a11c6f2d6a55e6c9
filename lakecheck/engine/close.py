"""Removes what a killed run left on storages and on this machine."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.listing import Found, Place, look, places
from lakecheck.engine.payloads import folder_of
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.tools import folder_url
from lakecheck.errors import LakecheckError, Missing
from lakecheck.model import NOBODY, Case, Credential, DriverChoice, Endpoint, Inventory

TIMEOUT = 10.0  # seconds a file
AT_ONCE = 16
log = logging.getLogger("lakecheck.engine")


class Removal(Struct):
    """What became of the files that a run left: removed, gone already, or kept with the reason.

    `unsearched` are folders, with the reason, that could not be searched for files.
    """

    removed: int = 0
    gone: int = 0
    kept: list[tuple[str, str]] = []
    unsearched: list[tuple[str, str]] = []


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
    run_id: str,
    path: Path,
    inventory: Inventory,
    credentials: Mapping[str, Credential],
    cases: Iterable[Case] = (),
) -> Removal:
    """Remove every file that a run's ledger says may still be on a storage.

    Without a ledger, the folders of its cases and of all RSEs are searched for the run's name.
    """
    return asyncio.run(_remove_left(run_id, path, inventory, credentials, cases))


async def _remove_left(
    run_id: str,
    path: Path,
    inventory: Inventory,
    credentials: Mapping[str, Credential],
    cases: Iterable[Case],
) -> Removal:
    known = path.exists()
    ledger, sessions = Ledger(path), Sessions(folder_of(run_id))
    remover = Remover(inventory, credentials, ledger)
    try:
        left: Sequence[Created] = ledger.left
        if not known:
            pages = await _search(places(cases, inventory), credentials, sessions)
            left = [created for page in pages for created in _of_run(run_id, page)]
            remover.removal.unsearched = [
                (page.folder, page.trouble) for page in pages if page.trouble
            ]
        return await remover.remove(left, sessions)
    finally:
        await sessions.close()
        ledger.close()


async def _search(
    groups: Iterable[Sequence[Place]], credentials: Mapping[str, Credential], sessions: Sessions
) -> list[Found]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(group: Sequence[Place]) -> Found:
        async with turn:
            found = await look(group, sessions, credentials, TIMEOUT)
        if found.trouble:
            log.warning("searching %s: %s", found.folder, found.trouble)
        return found

    return await asyncio.gather(*(one(group) for group in groups))


def _of_run(run_id: str, found: Found) -> Iterator[Created]:
    for name, place in found.names.items():
        if name.startswith(f"{run_id}-"):
            end = place.endpoint
            url = f"{folder_url(end)}/{name}"
            yield Created(url, end.url, place.credential, place.driver.name)
