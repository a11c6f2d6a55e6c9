"""How services show that they live: for each kind of service, what to ask and what it answers.

Another kind of service is another function in TABLE. All is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from lakecheck.model import Scalar, ServiceChoice

SOUND = range(200, 400)
ALIVE = (*range(200, 500), 501)  # whoever refuses a request is there all the same


class Beat(Struct, frozen=True):
    """One question to a service, and what a living one answers."""

    url: str
    name: str = ""  # what is added to the service's name, where it has several
    method: str = "GET"
    status: tuple[int, ...] = tuple(SOUND)
    signature: str = ""  # header by which a refusal of its own is known
    version: str = ""  # dotted path in its JSON; empty: it tells none
    condition: str = ""  # that its version must meet, such as >=1.8
    json: Mapping[str, Scalar] = field(default_factory=dict)  # by dotted path
    contains: str = ""
    certificate: float = 0.0  # s that its certificate must last; 0: it has none
    shows: bool = False  # whether our credential is shown
    daemons: bool = False  # whether it knows of daemons, and when they last told of themselves
    ca: str = ""

    @property
    def looks_inside(self) -> bool:
        """Whether anything of its content is judged."""
        return bool(self.version or self.condition or self.json or self.contains)


def _fts(service: ServiceChoice) -> tuple[Beat, ...]:
    """FTS says which version of its REST interface it speaks, to whoever it lets in."""
    return (Beat(f"{service.url}/", version="api", shows=True),)


def _rucio(service: ServiceChoice) -> tuple[Beat, ...]:
    """Rucio's servers answer a ping; those for authentication refuse whoever has no token."""
    asked = Beat(f"{service.url}/ping", version="version", daemons=True)
    auth = str(getattr(service.options, "auth", "")).rstrip("/")
    if not auth:
        return (asked,)
    # Without a token, which is what it says, with a header of Rucio's own.
    refused = Beat(f"{auth}/auth/validate", "auth", status=(400, 401), signature="ExceptionClass")
    return (asked, refused)


def _any(service: ServiceChoice) -> tuple[Beat, ...]:
    return (Beat(f"{service.url}/", status=ALIVE),)


TABLE: dict[str, Callable[[ServiceChoice], tuple[Beat, ...]]] = {"fts": _fts, "rucio": _rucio}


def beats(service: ServiceChoice) -> tuple[Beat, ...]:
    """Give what a service is asked."""
    return TABLE.get(service.kind, _any)(service)


def found(value: Any, path: str) -> Any:
    """Give what stands at a dotted path in JSON; KeyError where nothing does."""
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise KeyError(path)
    return value


def version_of(value: Any) -> str:
    """Write a version, also one in parts as FTS tells it; ValueError where it is none."""
    if isinstance(value, dict) and "major" in value:
        return ".".join(str(value[part]) for part in ("major", "minor", "patch") if part in value)
    if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value):
        return str(value)
    raise ValueError("it is no version")
