"""What Rucio's `export_data` gives → RSEs.

`{"rses": {RSE: {"rse_type", "availability_read", …, "attributes": {}, "protocols": [{"scheme",
"hostname", "port", "prefix", "domains"}]}}, "distances": {…}}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakecheck.inventory.catalogue import (
    Catalogue,
    Gathering,
    NotUnderstood,
    Way,
    attributes_of,
    map_of,
    roles_of,
    scalars,
    top,
    url_of,
)


def parse(content: bytes) -> Catalogue:
    """Read an export; NotUnderstood where it is none."""
    return catalogue_of(top(content))


def catalogue_of(found: dict[str, Any]) -> Catalogue:
    """Give the RSEs of what a client's `export_data` gave."""
    if "rses" not in found:
        raise NotUnderstood('it is JSON without "rses"; expected what export_data gives')
    gathering = Gathering()
    for name, rse in map_of(found["rses"], '"rses"').items():
        if not isinstance(rse, dict):
            gathering.leave_out(name, "its entry is no map")
            continue
        own = scalars(rse.get("attributes"))
        own.pop(name, None)  # Rucio gives each RSE its own name as an attribute
        if country := own.pop("country_name", None):  # and what stands beside them, too
            own.setdefault("country", country)
        gathering.add(name, _ways(rse.get("protocols")), attributes_of(rse) | own)
    return gathering.catalogue(found.get("distances"))


def _ways(protocols: Any) -> Iterator[Way]:
    if isinstance(protocols, dict):  # as get_rse_protocols gives them, the RSE's settings around
        protocols = protocols.get("protocols")
    for protocol in protocols if isinstance(protocols, list) else ():
        if isinstance(protocol, dict):
            host, port = protocol.get("hostname"), protocol.get("port")
            url = url_of(protocol.get("scheme"), host, port, protocol.get("prefix"))
            yield Way(url, roles_of(protocol.get("domains")))
