"""What became of a shipment, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck.sinks.shipper import Outcome

WAY_OUT = "`lakecheck ship` sends them later"


def sentences(outcome: Outcome, way_out: str) -> Iterable[str]:
    """Say what a sink got, what it refused, and what it has not got and why.

    `way_out` is the command that goes on with what is left.
    """
    if outcome.shipped:
        yield f"{outcome.sink}: {counted(outcome.shipped, 'document')} to {outcome.target}"
    elif not (outcome.rejected or outcome.pending or outcome.trouble):
        yield f"{outcome.sink}: nothing new for {outcome.target}"
    if outcome.rejected:
        where = f", kept in {outcome.dead_letters}" if outcome.dead_letters else ""
        yield f"{outcome.sink}: {counted(outcome.rejected, 'document')} refused for good{where}"
    if outcome.pending:
        why = outcome.trouble or "there was no time left"
        left = counted(outcome.pending, "document")
        way = f"correct it, then {way_out}" if outcome.lasting else way_out
        yield f"{outcome.sink}: {left} not shipped: {why}; {way}"
    elif outcome.trouble:
        yield f"{outcome.sink}: {outcome.trouble}"


def counted(count: int, noun: str) -> str:
    """Give a number and its noun, in the plural where it is not one."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
