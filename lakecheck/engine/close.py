"""Ends a run that was killed: whole journal, a document for every check, clean storages."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lakecheck.engine.ledger import Created, Ledger, leftovers
from lakecheck.engine.payloads import folder_of
from lakecheck.engine.sessions import Sessions
from lakecheck.errors import LakecheckError, Missing
from lakecheck.model import NOBODY, Credential, DriverChoice, Endpoint, Inventory

TIMEOUT = 10.0  # seconds a file
AT_ONCE = 16


class Removal(Struct):
    """What became of the files that a run left: removed, or still there with the reason."""

    removed: int
    kept: list[tuple[str, str]]


def remove_local(run_id: str) -> None:
    """Delete a run's local files."""
    shutil.rmtree(folder_of(run_id), ignore_errors=True)


def remove_left(
    ledger: Path, inventory: Inventory, credentials: Mapping[str, Credential]
) -> Removal:
    """Remove every file that a ledger says may still be on a storage."""
    return asyncio.run(_remove_all(ledger, inventory, credentials))


async def _remove_all(
    ledger: Path, inventory: Inventory, credentials: Mapping[str, Credential]
) -> Removal:
    left = leftovers(ledger)
    endpoints = {
        endpoint.url: endpoint for rse in inventory.rses.values() for endpoint in rse.endpoints
    }
    sessions, turn, removal = Sessions(), asyncio.Semaphore(AT_ONCE), Removal(0, [])
    noted = Ledger(ledger)

    async def one(created: Created) -> None:
        endpoint = endpoints.get(created.endpoint)
        if endpoint is None:
            removal.kept.append((created.url, "its endpoint is no longer in the inventory"))
            return
        try:
            async with turn, asyncio.timeout(TIMEOUT):
                await _delete(sessions, created, endpoint, credentials)
        except TimeoutError:
            removal.kept.append((created.url, f"no answer within {TIMEOUT:g}s"))
        except LakecheckError as error:
            removal.kept.append((created.url, str(error)))
        else:
            removal.removed += 1
            noted.creating(created)
            noted.gone(created.url)

    try:
        await asyncio.gather(*(one(created) for created in left))
    finally:
        await sessions.close()
        noted.close()
    return removal


async def _delete(
    sessions: Sessions,
    created: Created,
    endpoint: Endpoint,
    credentials: Mapping[str, Credential],
) -> None:
    credential = credentials.get(created.credential, NOBODY)
    choice = DriverChoice(created.driver)
    storage = sessions.storage(choice, endpoint, credential, TIMEOUT)
    try:
        await storage.delete(created.url)
    except Missing:
        return
