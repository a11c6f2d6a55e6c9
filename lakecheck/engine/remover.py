"""Removes what stands in a ledger: files on storages, jobs and rules at services."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from msgspec import Struct

from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.sessions import Sessions
from lakecheck.errors import LakecheckError, Missing
from lakecheck.model import NOBODY, DriverChoice, Endpoint, Spec

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
    """Removes what is in a ledger, with the connections of one set of sessions."""

    def __init__(self, spec: Spec, ledger: Ledger) -> None:
        self._endpoints = {
            end.url: end for rse in spec.inventory.rses.values() for end in rse.endpoints
        }
        self._services = spec.services
        self._credentials = spec.credentials
        self._ledger = ledger
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._silent: set[str] = set()  # URLs of endpoints
        self.removal = Removal()

    def knows(self, created: Created) -> bool:
        """Whether the spec has what it takes to remove something."""
        if created.service:
            return created.service in self._services
        return created.endpoint in self._endpoints

    async def remove(self, left: Iterable[Created], sessions: Sessions) -> Removal:
        """Remove each; whatever stops that is told, not raised."""
        everything = list(left)
        # A job that runs, or a rule, would write again what is removed before it.
        for at_service in (True, False):
            group = [created for created in everything if bool(created.service) is at_service]
            await asyncio.gather(*(self._one(created, sessions) for created in group))
        return self.removal

    async def _one(self, created: Created, sessions: Sessions) -> None:
        if created.service:
            await self._one_at_service(created, sessions)
            return
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

    async def _one_at_service(self, created: Created, sessions: Sessions) -> None:
        choice = self._services.get(created.service)
        if choice is None:
            self._keep(created.url, "its service is no longer in the spec")
            return
        credential = self._credentials.get(created.credential, NOBODY)
        try:
            async with self._turn:
                if choice.name in self._silent:
                    raise TimeoutError
                async with asyncio.timeout(TIMEOUT):
                    service = sessions.service(choice, credential)
                    await service.ready()
                    await service.undo(created.sort, created.name)
        except TimeoutError:
            self._silent.add(choice.name)
            self._keep(created.url, f"no answer within {TIMEOUT:g}s")
        except Missing:
            self.removal.gone += 1
            self._ledger.gone(created.url)
        except LakecheckError as error:
            self._keep(created.url, str(error))
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
