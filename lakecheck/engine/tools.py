"""One case's own view of a run, as its probe sees it."""

from __future__ import annotations

from functools import cached_property

from lakecheck.documents.result import identity
from lakecheck.drivers.base import Copier, Payload, Storage
from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.sessions import Sessions
from lakecheck.model import Case, Credential, Endpoint

FOLDER = "lakecheck"


def folder_url(endpoint: Endpoint) -> str:
    """Where lakecheck's files lie on an endpoint: `PREFIX/lakecheck`."""
    return f"{endpoint.url}/{FOLDER}"


def remote_name(run_id: str, address: str, part: str = "") -> str:
    """Name of a case's file: the run, so that a sweep can tell its age, and a digest.

    `part` tells the files of a resumed run from those that its killed part left.
    """
    return f"{run_id}-{identity(part, address)[:16]}"


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
    ) -> None:
        self.case = case
        self.credential = credential
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
        case = self.case
        assert case.endpoint is not None
        return self._sessions.storage(
            case.driver, case.endpoint, self.credential, case.test.timeout
        )

    @property
    def copier(self) -> Copier:
        """Third-party copies over the case's link."""
        case = self.case
        assert case.endpoint is not None
        assert case.source is not None
        return self._sessions.copier(
            case.driver, case.source, case.endpoint, self.credential, case.test.timeout
        )

    @property
    def payload(self) -> Payload:
        """A local file of the case's size."""
        assert self._payload is not None
        return self._payload

    def creating(self) -> None:
        """Note in the ledger, before it happens, that the case's URL may come to be."""
        assert self.case.endpoint is not None
        self._ledger.creating(
            Created(self.url, self.case.endpoint.url, self.case.credential, self.case.driver.name)
        )

    def removed(self) -> None:
        """Note that nothing is left of the case's URL."""
        self._ledger.gone(self.url)

    @property
    def maybe_there(self) -> bool:
        """Whether the case's URL may exist."""
        return self._ledger.holds(self.url)
