"""Drivers at work in one run: opened when first used, one session a choice of driver."""

from __future__ import annotations

import asyncio
import contextlib
import json

from lakecheck import registry
from lakecheck.drivers.base import Copier, Driver, Session, Storage
from lakecheck.errors import TesterFailed, UsageError
from lakecheck.model import Credential, DriverChoice, Endpoint

DEFAULT = "gfal2"


def resolve(choice: DriverChoice, scheme: str) -> Driver:
    """The driver for a scheme; `native` is the protocol's own where there is one, else gfal2."""
    if choice.name == "native":
        for name in registry.names("drivers"):
            found: Driver = registry.load("drivers", name)
            if found.native and scheme in found.schemes:
                return found
        chosen: Driver = registry.load("drivers", DEFAULT)
        return chosen
    chosen = registry.load("drivers", choice.name)
    if scheme not in chosen.schemes and "*" not in chosen.schemes:
        spoken = ", ".join(chosen.schemes)
        raise TesterFailed(f'driver "{chosen.name}" does not speak "{scheme}", only {spoken}')
    return chosen


class Sessions:
    """Connected storages and copiers, each made once."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], Session] = {}
        self._storages: dict[tuple[str, str, Credential, float], Storage] = {}
        self._copiers: dict[tuple[str, str, str, Credential, float], Copier] = {}

    def _session(self, choice: DriverChoice, scheme: str) -> tuple[str, Session]:
        try:
            driver = resolve(choice, scheme)
        except UsageError as error:
            raise TesterFailed(str(error)) from None
        key = (driver.name, json.dumps(dict(choice.options), sort_keys=True, default=str))
        if key not in self._sessions:
            self._sessions[key] = driver.open(choice)
        return "/".join(key), self._sessions[key]

    def storage(
        self, choice: DriverChoice, endpoint: Endpoint, credential: Credential, timeout: float
    ) -> Storage:
        """An endpoint, connected; `timeout` in seconds bounds the library's own waits."""
        name, session = self._session(choice, endpoint.scheme)
        key = (name, endpoint.url, credential, timeout)
        if key not in self._storages:
            self._storages[key] = session.storage(endpoint, credential, timeout)
        return self._storages[key]

    def copier(
        self,
        choice: DriverChoice,
        source: Endpoint,
        destination: Endpoint,
        credential: Credential,
        timeout: float,
    ) -> Copier:
        """Third-party copies over one link."""
        name, session = self._session(choice, destination.scheme)
        key = (name, source.url, destination.url, credential, timeout)
        if key not in self._copiers:
            self._copiers[key] = session.copier(source, destination, credential, timeout)
        return self._copiers[key]

    async def close(self) -> None:
        """End all sessions; one that hangs is left after 2 s."""
        for session in self._sessions.values():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await session.close()
