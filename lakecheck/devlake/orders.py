"""What is said to a lake's supervisor, and what it answers: one JSON line each."""

from __future__ import annotations

from msgspec import Struct

from lakecheck.devlake.shape import FaultChoice, Shape


class Order(Struct, frozen=True):
    """What to build, and whether it ends with the one who asks."""

    shape: Shape
    bound: bool


class Request(Struct, frozen=True):
    """An order to a running lake over its control socket."""

    do: str  # fault, kill, halt, resume, stop
    rse: str = ""  # or the service to halt, to resume, or to spoil
    fault: FaultChoice = FaultChoice()
    words: str = ""  # a service's fault
    server: int = 0
    programs: tuple[str, ...] = ()


class Answer(Struct, frozen=True):
    """What became of an order; `error` is a sentence."""

    error: str = ""
