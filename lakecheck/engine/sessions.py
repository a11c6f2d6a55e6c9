"""Drivers at work in one run: opened when first used, one session a choice of driver."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
from pathlib import Path
from typing import Any

from lakecheck import registry
from lakecheck.drivers.base import SCRATCH, Copier, Driver, Service, Session, Storage
from lakecheck.errors import TesterFailed, UsageError
from lakecheck.model import Credential, DriverChoice, Endpoint, ServiceChoice, ServiceKind

DEFAULT = "gfal2"
log = logging.getLogger("lakecheck.engine")


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


def driver_key(choice: DriverChoice) -> str:
    """Name and options of a driver as one text: equal where they may share a session."""
    if not choice.options:
        return choice.name
    return f"{choice.name} {json.dumps(dict(choice.options), sort_keys=True, default=str)}"


class Sessions:
    """Connected storages and copiers, each made once."""

    def __init__(self, scratch: Path | None = None) -> None:
        """`scratch` is the run's local folder, in which drivers may keep files."""
        self._scratch = scratch
        self.shared: dict[str, Any] = {}  # what cases of the run tell those that need them
        self._sessions: dict[str, Session] = {}
        self._storages: dict[tuple[str, Endpoint, Credential, float], Storage] = {}
        self._copiers: dict[tuple[str, Endpoint, Endpoint, Credential, float], Copier] = {}
        self._services: dict[tuple[str, Credential], Service] = {}

    def _session(self, choice: DriverChoice, scheme: str) -> tuple[str, Session]:
        try:
            driver = resolve(choice, scheme)
        except UsageError as error:
            raise TesterFailed(str(error)) from None
        key = driver_key(DriverChoice(driver.name, choice.options))
        if key not in self._sessions:
            self._sessions[key] = self._open(driver, choice)
        return key, self._sessions[key]

    def _open(self, driver: Driver, choice: DriverChoice) -> Session:
        if self._scratch is not None:
            with contextlib.suppress(OSError):  # then drivers use TMPDIR itself
                self._scratch.mkdir(mode=0o700, exist_ok=True)
                SCRATCH.set(str(self._scratch))
        return driver.open(choice)

    def storage(
        self, choice: DriverChoice, endpoint: Endpoint, credential: Credential, timeout: float
    ) -> Storage:
        """An endpoint, connected; `timeout` in seconds bounds the library's own waits."""
        name, session = self._session(choice, endpoint.scheme)
        key = (name, endpoint, credential, timeout)
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
        key = (name, source, destination, credential, timeout)
        if key not in self._copiers:
            self._copiers[key] = session.copier(source, destination, credential, timeout)
        return self._copiers[key]

    def service(self, choice: ServiceChoice, credential: Credential) -> Service:
        """A service, asked with one credential; not yet known to answer."""
        key = (choice.name, credential)
        if key not in self._services:
            kind: ServiceKind = registry.load("services", choice.kind)
            module, _, name = kind.driver.partition(":")
            self._services[key] = getattr(importlib.import_module(module), name)(choice, credential)
        return self._services[key]

    async def close(self) -> None:
        """End all sessions at once; one that hangs is left after 2 s."""
        sessions: list[Session | Service] = [*self._sessions.values(), *self._services.values()]
        self._sessions, self._services = {}, {}
        ended = await asyncio.gather(*map(_close, sessions), return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                log.warning("a driver's session did not end well: %s", error)


async def _close(session: Session | Service) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            await session.close()
