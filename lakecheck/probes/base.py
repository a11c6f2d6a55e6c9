"""What a probe gets from the engine and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from lakecheck.drivers.base import Copier, Payload, Storage
from lakecheck.model import Case, Credential


class Measured(Struct):
    """What a step gave: bytes moved, and its kind's own measures by field name.

    `skipped` says why a step does not apply to this storage. `duration` (seconds) replaces the
    engine's own where only a part of the step is the measurement.
    """

    bytes: int | None = None
    duration: float | None = None
    measures: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""


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

    def creating(self) -> None:
        """Note in the ledger, before it happens, that the case's URL may come to be."""

    def removed(self) -> None:
        """Note that nothing is left of the case's URL."""

    @property
    def maybe_there(self) -> bool:
        """Whether the case's URL may exist."""


Probe = Callable[[Tools], Awaitable[Measured]]
Steps = Mapping[str, Probe]
