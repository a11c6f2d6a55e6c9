"""fts-analysis-datalake's configuration → RSEs: `{"protocols": {"davs": ["host:port/path"]}}`.

It knows no RSEs, so each host becomes one, named as the host with `-` for each dot.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from lakecheck.inventory.catalogue import (
    Catalogue,
    Gathering,
    NotUnderstood,
    Way,
    host_label,
    map_of,
    top,
)


def parse(content: bytes) -> Catalogue:
    """Read a configuration; NotUnderstood where it is none."""
    found = top(content)
    if "protocols" not in found:
        raise NotUnderstood('it is JSON without "protocols"; expected {"protocols": {"davs": […]}}')
    ways: dict[str, list[Way]] = {}
    gathering = Gathering()
    for scheme, endpoints in map_of(found["protocols"], '"protocols"').items():
        for endpoint in endpoints if isinstance(endpoints, list) else [endpoints]:
            url = _url(scheme, endpoint)
            name = _name(url)
            if name:
                ways.setdefault(name, []).append(Way(url))
            else:
                gathering.leave_out(url, "it names no host")
    for name, several in ways.items():
        gathering.add(name, several, {})
    return gathering.catalogue()


def _url(scheme: str, endpoint: Any) -> str:
    text = str(endpoint)
    return text if "://" in text else f"{scheme.lower()}://{text}"


def _name(url: str) -> str:
    authority = url.partition("://")[2].partition("/")[0]
    host, _, port = authority.rpartition(":") if authority[-1:] != "]" else (authority, "", "")
    # On loopback each port is a host of its own.
    return host_label(authority if _is_loopback(host) else host or port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
