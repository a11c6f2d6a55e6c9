"""Which module reads which catalogue."""

from __future__ import annotations

from collections.abc import Callable

from lakecheck.inventory import cric, fts_config, rucio
from lakecheck.inventory.catalogue import Catalogue, NotUnderstood
from lakecheck.inventory.reading import fetch
from lakecheck.spec.catalogues import Source

PARSERS: dict[str, Callable[[bytes], Catalogue]] = {
    "cric": cric.parse,
    "rucio": rucio.parse,
    "fts_config": fts_config.parse,
}


def read(source: Source) -> Catalogue:
    """Read a catalogue now; Unread, or NotUnderstood where there is nothing in it to test."""
    if source.service is None:
        return parse(source.name, fetch(source.located, source.timeout, source.ca))
    # The client takes its time to import, and few catalogues are servers.
    from lakecheck.inventory import rucio_server

    return _testable(rucio.catalogue_of(rucio_server.exported(source)))


def parse(source: str, content: bytes) -> Catalogue:
    """Read what a catalogue gave; NotUnderstood where there is nothing in it to test."""
    return _testable(PARSERS[source](content))


def _testable(found: Catalogue) -> Catalogue:
    if not found.rses:
        left_out = {each.what for each in found.ignored}
        why = f"; {len(left_out)} entries were left out" if left_out else ""
        raise NotUnderstood(f"it lists no RSE that can be tested{why}")
    return found
