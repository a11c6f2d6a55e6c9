"""What a probe gets from the engine and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from lakecheck.drivers.base import Copier, Payload, Storage
from lakecheck.errors import DriverError
from lakecheck.model import Case, Credential, Endpoint


class Measured(Struct):
    """What a step gave: bytes moved, and its kind's own measures by field name.

    `skipped` says why a step does not apply to this storage. `duration` (seconds) replaces the
    engine's own where only a part of the step is the measurement. With `error` the step did not
    pass, though something was measured; `severity` says how bad that is.
    """

    bytes: int | None = None
    duration: float | None = None
    measures: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""
    files: int | None = None
    throughput: float | None = None  # B/s; None: bytes by duration
    error: DriverError | None = None
    severity: str = ""  # warning or critical, where the step tells


class Tools(Protocol):
    """One case's own view of the run: connected drivers, names, payloads, the ledger."""

    case: Case
    credential: Credential

    @property
    def url(self) -> str:
        """The remote name that belongs to this case alone."""

    @property
    def storage(self) -> Storage:
        """The case's endpoint (a link's destination), connected."""

    @property
    def copier(self) -> Copier:
        """Third-party copies over the case's link."""

    @property
    def payload(self) -> Payload:
        """A local file of the case's size."""

    @property
    def seed(self) -> str:
        """URL of the file that waits at a link's source."""

    async def service(self) -> Any:
        """The service that the case goes through, once it has answered."""

    @property
    def late(self) -> bool:
        """Whether the case's time is over."""

    async def beneath(self) -> Any:
        """The FTS under the case's service, once it has answered."""

    def storage_at(self, endpoint: Endpoint) -> Storage:
        """Any endpoint, connected with the case's credential."""

    def copier_between(self, source: Endpoint, destination: Endpoint) -> Copier:
        """Third-party copies over any link."""

    def creating(self, url: str = "", endpoint: Endpoint | None = None) -> None:
        """Note in the ledger, before it happens, that a file may come to be: the case's URL."""

    def creating_at(self, sort: str, name: str) -> None:
        """Note in the ledger, before it happens, that the case's service may get a job or rule."""

    def keeping_at(self, sort: str, name: str) -> None:
        """Note the same of what shall outlive the case: it is removed at the run's end."""

    @property
    def run_id(self) -> str:
        """The run."""

    def name_of(self, case: Case) -> str:
        """Name that belongs to a case of this run alone."""

    @property
    def notes(self) -> dict[str, Any]:
        """What the steps of the case tell each other."""

    @property
    def shared(self) -> dict[str, Any]:
        """What cases of the run tell those that need them, by the address of who tells it."""

    def removed(self, url: str = "") -> None:
        """Note that nothing is left under a URL, the case's own if none is given."""

    def removed_at(self, sort: str, name: str) -> None:
        """Note that nothing is left of what was created at the case's service."""

    @property
    def maybe_there(self) -> bool:
        """Whether anything that the case created may exist."""

    async def clean(self) -> int:
        """Remove all that the case created; give how many there were. Raises DriverError."""


Probe = Callable[[Tools], Awaitable[Measured]]
Steps = Mapping[str, Probe]
