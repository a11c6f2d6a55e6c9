"""Registering in a Rucio what another catalogue says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from lakecheck.drivers.rucio_client import CONNECT, READ, client, told
from lakecheck.errors import (
    BadCredential,
    CatalogueError,
    Denied,
    DriverError,
    TimedOut,
    TlsFailed,
    Unreachable,
    UsageError,
)
from lakecheck.inventory import operands, registration, rucio_server
from lakecheck.inventory.catalogue import NotUnderstood, top
from lakecheck.inventory.reading import Unread, fetch
from lakecheck.inventory.registration import Registry
from lakecheck.inventory.sync_plan import Step
from lakecheck.spec.catalogues import SERVER, Source
from lakecheck.spec.nodes import quote
from lakecheck.spec.operands import Operand, Sources, named

if TYPE_CHECKING:
    from rucio.client import Client

# After these, the steps that are left would fare no better.
ENDS = (Denied, BadCredential, Unreachable, TimedOut, TlsFailed)


class Outcome(Struct, frozen=True):
    """A step that was done, or that Rucio refused, and why."""

    step: Step
    error: DriverError | None = None


def destination(operand: str, sources: Sources) -> Source:
    """Give the Rucio that an operand names; UsageError where it is none that can be written to."""
    if operand != SERVER:
        told = f"--to: {quote(operand)} is no Rucio server; write --to rucio"
        raise UsageError(f"{told}, with inventory: {{rucio: {{service: …}}}} in a spec")
    found = named(operand, sources())
    if found.service is None:
        told = f"inventory.rucio reads {quote(found.address)}, which is no server"
        raise UsageError(f"--to: {told}; write service: or url: there")
    return found


def wanted(operand: Operand) -> Registry:
    """Read all that an operand says of RSEs, what cannot be tested too."""
    source = operand.source
    if source is None or source.name == "fts_config":
        return registration.of_catalogue(operands.catalogue(operand))
    return _read(source)


def there(source: Source) -> Registry:
    """Read what a Rucio knows."""
    return _read(source)


def _read(source: Source) -> Registry:
    try:
        if source.service is not None:
            return registration.of_json(rucio_server.exported(source), may_be_empty=True)
        found = top(fetch(source.located, source.timeout, source.ca))
        if source.name == "cric" and "rses" not in found:  # its plain preset
            return registration.of_catalogue(operands.read(source))
        return registration.of_json(found)
    except (Unread, NotUnderstood) as error:
        where = quote(source.located)
        raise CatalogueError(f"{source.name}: {where} cannot be used: {error}") from None


def apply(steps: Iterable[Step], source: Source) -> Iterator[Outcome]:
    """Do steps in their order, and give each that is done or refused.

    It ends where Rucio does not answer any more, or lets the account do nothing.
    """
    assert source.service is not None
    service, credential = source.service, source.credential
    lost: set[str] = set()  # RSEs that could not be created
    try:
        with told(service, credential):
            made = client(service, credential, (CONNECT, READ))
    except DriverError as error:
        raise CatalogueError(f"rucio: {error.message}") from None
    for step in steps:
        if step.rse in lost or step.what.removeprefix("distance ") in lost:
            continue
        try:
            with told(service, credential):
                _do(made, step)
        except DriverError as error:
            if step.what == "rse" and step.sign == "+":
                lost.add(step.rse)
            yield Outcome(step, error)
            if isinstance(error, ENDS):
                return
        else:
            yield Outcome(step)


def _do(made: Client, step: Step) -> None:
    for call in step.calls:
        try:
            getattr(made, call.method)(*call.arguments, **call.named)
        except Exception as error:
            if not _is_done(made, step, call.method, error):
                raise


def _is_done(made: Client, step: Step, method: str, error: Exception) -> bool:
    """Whether a call has failed since somebody else, or an earlier try, had done it before us."""
    name = type(error).__name__
    if method.startswith("delete"):
        return name.endswith("NotFound")
    if name != "Duplicate" or step.what != "rse":
        return name == "Duplicate"
    # An RSE that was deleted keeps its name: there it is only if Rucio lists it.
    return any(each["rse"] == step.rse for each in made.list_rses())
