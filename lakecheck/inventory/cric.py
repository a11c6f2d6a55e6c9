"""CRIC's answer → RSEs: its preset `doma`, and the plain one (`…/rse/query/?json`).

`doma`: `{"rses": {RSE: {…, "protocols": [{"scheme", "hostname", "port", "prefix", "domains"}]}}}`;
plain: `{RSE: {"verify_checksum", "protocols": {LABEL: {"flavour", "endpoint", "path"}}}}`.
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

SCHEMES = {"webdav": "davs", "xrootd": "root", "gridftp": "gsiftp", "srmv2": "srm"}  # of flavours


def parse(content: bytes) -> Catalogue:
    """Read CRIC's JSON of either preset; NotUnderstood where it is neither."""
    found = top(content)
    rses = map_of(found["rses"], '"rses"') if "rses" in found else found
    if rses is found and any(not _may_be_rse(rse) for rse in rses.values()):
        raise NotUnderstood('it is JSON without "rses", and no map of RSEs with protocols')
    gathering = Gathering()
    for name, rse in rses.items():
        if not isinstance(rse, dict):
            gathering.leave_out(name, "its entry is no map")
            continue
        # `params` are the RSE's attributes in Rucio.
        attributes = attributes_of(rse) | scalars(rse.get("params"))
        gathering.add(
            name, _ways(rse.get("protocols")), attributes | scalars(rse.get("attributes"))
        )
    return gathering.catalogue(found.get("distances") if "rses" in found else None)


def _may_be_rse(rse: Any) -> bool:
    return isinstance(rse, dict) and isinstance(rse.get("protocols", {}), dict | list)


def _ways(protocols: Any) -> Iterator[Way]:
    several = list(protocols.values()) if isinstance(protocols, dict) else protocols
    for protocol in several if isinstance(several, list) else ():
        if not isinstance(protocol, dict):
            continue
        yield _plain(protocol) if "endpoint" in protocol else _doma(protocol)


def _doma(protocol: dict[str, Any]) -> Way:
    host, port = protocol.get("hostname"), protocol.get("port")
    url = url_of(protocol.get("scheme"), host, port, protocol.get("prefix"))
    return Way(url, roles_of(protocol.get("domains")))


def _plain(protocol: dict[str, Any]) -> Way:
    flavour = str(protocol.get("flavour") or "").lower()
    scheme, _, authority = str(protocol["endpoint"]).rpartition("://")
    host, _, port = authority.rstrip("/").rpartition(":")
    if not port.isdecimal():
        host, port = authority.rstrip("/"), ""
    name = scheme or SCHEMES.get(flavour, flavour)
    return Way(url_of(name, host, port, protocol.get("path")))
