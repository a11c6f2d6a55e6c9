"""Which module reads which catalogue."""

from __future__ import annotations

from collections.abc import Callable

from lakecheck.inventory import cric, fts_config, rucio
from lakecheck.inventory.catalogue import Catalogue, NotUnderstood

PARSERS: dict[str, Callable[[bytes], Catalogue]] = {
    "cric": cric.parse,
    "rucio": rucio.parse,
    "fts_config": fts_config.parse,
}


def parse(source: str, content: bytes) -> Catalogue:
    """Read what a catalogue gave; NotUnderstood where there is nothing in it to test."""
    found = PARSERS[source](content)
    if not found.rses:
        left_out = {each.what for each in found.ignored}
        why = f"; {len(left_out)} entries were left out" if left_out else ""
        raise NotUnderstood(f"it lists no RSE that can be tested{why}")
    return found
