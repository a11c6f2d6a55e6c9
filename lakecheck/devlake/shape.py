"""What a lake shall look like: its RSEs, its faults, its first port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from lakecheck.devlake import services
from lakecheck.errors import UsageError
from lakecheck.units import size as read_size

FAULTS = (
    "none",
    "refuse",
    "hang",
    "hang-tls",
    "hang-data",
    "untrusted",
    "full",
    "deny",
    "corrupt",
    "crash",
)
WITH = ("gsi", *services.NAMES)
BESIDE = ("LAKE-REDIR", "LAKE-GSIFTP", "LAKE-APACHE")
MOST_RSES = 100


class FaultChoice(Struct, frozen=True):
    """One fault; `capacity` in bytes is what still fits, and means something for `full` only."""

    kind: str = "none"
    capacity: int = 0

    @classmethod
    def parse(cls, text: str) -> FaultChoice:
        """Read `KIND` or `full:SIZE`."""
        kind, colon, size = text.partition(":")
        if kind not in FAULTS:
            raise UsageError(f'no fault is called "{kind}"; choose one of: {", ".join(FAULTS)}')
        if colon and kind != "full":
            raise UsageError(f'the fault "{kind}" takes no size; only full does (full:20MB)')
        try:
            return cls(kind, read_size(size) if colon else 0)
        except ValueError as wrong:
            raise UsageError(f'the fault "{text}": {wrong}') from None

    def __str__(self) -> str:
        """Give the text that `parse` reads."""
        return f"full:{self.capacity}B" if self.capacity else self.kind


class Shape(Struct, frozen=True):
    """The RSEs by name with what else was asked for."""

    rses: tuple[str, ...]
    faults: Mapping[str, FaultChoice] = field(default_factory=dict)
    gsi: bool = False
    port_base: int | None = None
    services: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it as the options of `lake up` do."""
        numbered = sum(name not in BESIDE for name in self.rses)
        beside = ["gsi"] * self.gsi + list(self.services)
        parts = [f"--rses {numbered}"] + [f"--with {','.join(beside)}"] * bool(beside)
        parts += [f"--fault {rse}={fault}" for rse, fault in self.faults.items()]
        if self.port_base is not None:
            parts.append(f"--port-base {self.port_base}")
        left_out = [name for name in BESIDE if name not in self.rses]
        return " ".join(parts) + (f" without {', '.join(left_out)}" if left_out else "")

    def __post_init__(self) -> None:
        """Refuse names and faults that mean nothing."""
        if not self.rses and not self.services:
            raise UsageError("a lake needs at least one RSE")
        for name in self.rses:
            if name not in BESIDE and not _is_numbered(name):
                raise UsageError(
                    f'no RSE of a lake is called "{name}"; there are LAKE-1, LAKE-2, … and '
                    + ", ".join(BESIDE)
                )
        for name in self.faults:
            known_rse(name, self.rses)


def _is_numbered(name: str) -> bool:
    number = name.removeprefix("LAKE-")
    return name.startswith("LAKE-") and number.isdecimal() and str(int(number)) == number


def known_rse(name: str, rses: Iterable[str]) -> str:
    """Give the name back if the lake has it; raises UsageError."""
    names = list(rses)
    if name not in names:
        raise UsageError(f'this lake has no RSE "{name}"; it has: {", ".join(names)}')
    return name


def make_shape(
    rses: int = 3,
    only: Iterable[str] | None = None,
    faults: Mapping[str, str] | None = None,
    gsi: bool = False,
    port_base: int | None = None,
    services: Iterable[str] = (),
) -> Shape:
    """Decode what a caller asks for; `only` leaves out all RSEs that it does not name."""
    if not 0 <= rses <= MOST_RSES:
        raise UsageError(f"--rses takes a number from 0 to {MOST_RSES}, not {rses}")
    names = tuple(f"LAKE-{n}" for n in range(1, rses + 1)) + BESIDE
    if only is not None:
        names = tuple(dict.fromkeys(only))
    choices = {rse: FaultChoice.parse(kind) for rse, kind in (faults or {}).items()}
    wanted = tuple(sorted(name for name in with_needed(services) if name != "gsi"))
    return Shape(names, choices, gsi, port_base, wanted)


def with_needed(names: Iterable[str]) -> set[str]:
    """Give what `--with` names, and the services that those need; raises UsageError."""
    chosen = set(choose_with(names))
    for name in chosen - {"gsi"}:
        chosen |= set(services.kind_of(name).needs)
    return chosen


def choose_with(names: Iterable[str]) -> tuple[str, ...]:
    """Check what `--with` names; raises UsageError."""
    chosen = tuple(dict.fromkeys(name for text in names for name in text.split(",")))
    for name in chosen:
        if name not in WITH:
            raise UsageError(f'--with knows no "{name}"; it takes: {", ".join(WITH)}')
    return chosen


def parse_faults(texts: Iterable[str]) -> dict[str, str]:
    """Read `RSE=KIND,RSE=KIND` as the command line has it, into kinds by RSE."""
    chosen: dict[str, str] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        rse, equals, kind = part.partition("=")
        if not (rse and equals and kind):
            raise UsageError(f'"{part}" is not RSE=KIND; write for example LAKE-2=hang')
        if rse in chosen:
            raise UsageError(f'"{rse}" is given two faults; an RSE has one at a time')
        chosen[rse] = kind
    return chosen
