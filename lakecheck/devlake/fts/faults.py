"""How the transfer service is made to misbehave, in words that are written to one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from lakecheck.errors import UsageError

FAULTS = (
    "none",
    "queue=SECONDS",
    "fail=REASON",
    "fail@RSE=REASON",
    "http-500",
    "http-503",
    "lose",
    "419",
    "hang",
)
_PLAIN = ("none", "http-500", "http-503", "lose", "419", "hang")


class TransferFault(Struct, frozen=True):
    """One fault: `seconds` are of `queue`, `reason` and `places` (host:port) of `fail`."""

    kind: str = "none"
    seconds: float = 0.0
    reason: str = ""
    places: tuple[str, ...] = ()

    def concerns(self, *urls: str) -> bool:
        """Say whether transfers between these fail."""
        if self.kind != "fail":
            return False
        return not self.places or any(urlsplit(url).netloc in self.places for url in urls)


def parse(words: str) -> TransferFault:
    """Read a fault; raises UsageError."""
    head, equals, rest = words.partition("=")
    kind, at, place = head.partition("@")
    if kind == "fail" and equals and rest.strip() and bool(at) == bool(place):
        places = tuple(place.split(",")) if place else ()
        return TransferFault("fail", reason=rest.strip(), places=places)
    if head == "queue" and equals:
        return TransferFault("queue", seconds=_seconds(rest))
    if words in _PLAIN:
        return TransferFault(words)
    raise UsageError(
        f'the transfer service has no fault "{words}"; choose one of: {", ".join(FAULTS)}'
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise UsageError(f'queue takes seconds, as in queue=30, and not "{text}"')
    return seconds


def write(path: Path, words: str, rses: Mapping[str, Sequence[str]]) -> None:
    """Tell the service; `rses` are the lake's storages with their URLs. Raises UsageError."""
    parse(words)
    head, equals, rest = words.partition("=")
    kind, _, place = head.partition("@")
    if place:
        head = f"{kind}@{','.join(_places(place, rses))}"
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(head + equals + rest)
    fresh.replace(path)


def _places(named: str, rses: Mapping[str, Sequence[str]]) -> list[str]:
    if ":" in named:
        return [named]
    if named not in rses:
        raise UsageError(f'this lake has no RSE "{named}"; it has: {", ".join(rses) or "none"}')
    return [urlsplit(url).netloc for url in rses[named]]


class Faults:
    """The fault that the file asks for now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._fault = TransferFault()
        self._lost = False

    @property
    def now(self) -> TransferFault:
        """The fault, read anew where the file has changed."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return TransferFault()
        if (status.st_ino, status.st_mtime_ns) != self._seen:
            self._seen = status.st_ino, status.st_mtime_ns
            self._fault = parse(self.path.read_text())
            self._lost = False
        return self._fault

    def loses(self) -> bool:
        """Say whether the job that is submitted now gets lost; one does."""
        lost = self.now.kind == "lose" and not self._lost
        self._lost = self._lost or lost
        return lost
