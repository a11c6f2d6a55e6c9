"""One case's own view of a run, as its probe sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from lakecheck.documents.result import identity
from lakecheck.drivers.base import Copier, Payload, Service, Storage
from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.sessions import Sessions
from lakecheck.errors import Missing, TimedOut
from lakecheck.model import NOBODY, Case, Credential, Endpoint, ServiceChoice

FOLDER = "lakecheck"
NOBODIES: Mapping[str, Credential] = MappingProxyType({})


def folder_url(endpoint: Endpoint) -> str:
    """Where lakecheck's files lie on an endpoint: `PREFIX/lakecheck`."""
    return f"{endpoint.url}/{FOLDER}"


def remote_name(run_id: str, address: str, part: str = "") -> str:
    """Name of a case's file: the run, so that a sweep can tell its age, and a digest.

    `part` tells the files of a resumed run from those that its killed part left.
    """
    return f"{run_id}-{identity(part, address)[:16]}"


def _unheard() -> None:
    pass


def _kept_nowhere(_: Created, __: ServiceChoice) -> None:
    pass


class CaseTools:
    """What a probe may use; implements probes.base.Tools."""

    def __init__(
        self,
        case: Case,
        credential: Credential,
        sessions: Sessions,
        ledger: Ledger,
        payload: Payload | None,
        run_id: str,
        seed: str = "",
        part: str = "",
        credentials: Mapping[str, Credential] = NOBODIES,
    ) -> None:
        self.case = case
        self.credential = credential
        self.asking = credentials.get(case.asks, NOBODY)
        self._credentials = credentials
        self._where: dict[str, Endpoint] = {}  # by URL of a file
        self.deadline: Callable[[], float] | None = None  # on the loop's clock
        self.answered: Callable[[], None] = _unheard  # told when the service has answered
        # Told of what outlives the case.
        self.keep: Callable[[Created, ServiceChoice], None] = _kept_nowhere
        self.notes: dict[str, Any] = {}  # what the steps tell each other
        self.shared = sessions.shared
        self.run_id = run_id
        self._part = part
        self._created: list[str] = []
        self.seed = seed
        self._sessions = sessions
        self._ledger = ledger
        self._payload = payload
        assert case.endpoint is not None or not case.size
        self.url = (
            f"{folder_url(case.endpoint)}/{remote_name(run_id, case.address, part)}"
            if case.endpoint
            else ""
        )

    @cached_property
    def storage(self) -> Storage:
        """The case's endpoint (a link's destination), connected."""
        assert self.case.endpoint is not None
        return self.storage_at(self.case.endpoint)

    def storage_at(self, endpoint: Endpoint) -> Storage:
        """Any endpoint, connected with the case's credential."""
        case = self.case
        return self._sessions.storage(case.driver, endpoint, self.credential, case.test.timeout)

    @property
    def copier(self) -> Copier:
        """Third-party copies over the case's link."""
        assert self.case.endpoint is not None
        assert self.case.source is not None
        return self.copier_between(self.case.source, self.case.endpoint)

    def copier_between(self, source: Endpoint, destination: Endpoint) -> Copier:
        """Third-party copies over any link."""
        case, credential = self.case, self.credential
        return self._sessions.copier(
            case.driver, source, destination, credential, case.test.timeout
        )

    @property
    def payload(self) -> Payload:
        """A local file of the case's size."""
        assert self._payload is not None
        return self._payload

    async def service(self) -> Any:
        """The service that the case goes through, once it has answered."""
        service = self._service
        try:
            await service.ready()
        except asyncio.CancelledError:
            if not self.late:
                raise
            limit = f"{self.case.test.timeout:g}s, the time of the whole case"
            name = service.choice.name
            silent = TimedOut(f"{name} gave no answer within {limit}", side="service")
            raise service.silence or silent from None
        self.answered()
        return service

    async def beneath(self) -> Any:
        """The FTS under the case's service, once it has answered."""
        choice = self.case.test.beneath
        assert choice is not None
        service = self._sessions.service(choice, self._credentials.get(choice.credential, NOBODY))
        await service.ready()
        return service

    @property
    def _service(self) -> Service:
        choice = self.case.test.service
        assert choice is not None
        return self._sessions.service(choice, self.asking)

    @property
    def late(self) -> bool:
        """Whether the case's time is over."""
        return self.deadline is not None and asyncio.get_running_loop().time() >= self.deadline()

    def creating(self, url: str = "", endpoint: Endpoint | None = None) -> None:
        """Note in the ledger, before it happens, that a file may come to be: the case's URL."""
        case = self.case
        end = endpoint or case.endpoint
        assert end is not None
        self._where[url or self.url] = end
        self._note(Created(url or self.url, end.url, case.credential, case.driver.name))

    def creating_at(self, sort: str, name: str) -> None:
        """Note in the ledger, before it happens, that the case's service may get a job or rule."""
        self._note(self._at_service(sort, name))

    def keeping_at(self, sort: str, name: str) -> None:
        """Note the same of what shall outlive the case: it is removed at the run's end."""
        created = self._at_service(sort, name)
        self._ledger.creating(created)
        assert self.case.test.service is not None
        self.keep(created, self.case.test.service)

    def _at_service(self, sort: str, name: str) -> Created:
        service = self.case.test.service
        assert service is not None
        url = f"{service.name}/{sort}/{name}"
        return Created(url, credential=self.case.asks, service=service.name, sort=sort, name=name)

    def name_of(self, case: Case) -> str:
        """Name that belongs to a case of this run alone."""
        return remote_name(self.run_id, case.address, self._part)

    def _note(self, created: Created) -> None:
        self._created.append(created.url)
        self._ledger.creating(created)

    def removed(self, url: str = "") -> None:
        """Note that nothing is left under a URL, the case's own if none is given."""
        self._ledger.gone(url or self.url)

    def removed_at(self, sort: str, name: str) -> None:
        """Note that nothing is left of what was created at the case's service."""
        assert self.case.test.service is not None
        self._ledger.gone(f"{self.case.test.service.name}/{sort}/{name}")

    def forget(self) -> None:
        """Note that nothing of what the case may have created has come to be."""
        for created in self._left:
            self._ledger.gone(created.url)

    @property
    def maybe_there(self) -> bool:
        """Whether anything that the case created may exist."""
        return bool(self._left)

    @property
    def _left(self) -> list[Created]:
        return [found for url in self._created if (found := self._ledger.holds(url))]

    async def clean(self) -> int:
        """Remove all that the case created; give how many there were. Raises DriverError."""
        # A job that runs would write again what is removed before it.
        at_service = [created for created in self._left if created.service]
        files = [created for created in self._left if not created.service]
        removed = 0
        for group in (at_service, files):
            for outcome in await asyncio.gather(*map(self._undo, group), return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                removed += outcome
        return removed

    async def _undo(self, created: Created) -> bool:
        try:
            if created.service:
                await self._service.undo(created.sort, created.name)
            else:
                await self.storage_at(self._where[created.url]).delete(created.url)
        except Missing:
            self._ledger.gone(created.url)
            return False
        self._ledger.gone(created.url)
        return not created.service
