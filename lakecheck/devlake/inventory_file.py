"""The files that a lake leaves for its users: inventory, environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lakecheck.devlake.layout import ENVIRONMENT, INVENTORY, Layout
from lakecheck.devlake.server import Storage
from lakecheck.devlake.service import Service

_PLACES = (
    ("CH", "GENEVA"),
    ("FR", "ANNECY"),
    ("DE", "HAMBURG"),
    ("IT", "BOLOGNA"),
    ("NL", "AMSTERDAM"),
)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that readers see the old or the new one, never a part."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)


def write_inventory(
    layout: Layout, storages: Iterable[Storage], services: Iterable[Service] = ()
) -> Path:
    """Write an inventory that is complete by itself and that specs can include."""
    chosen = [service for service in services if service.entry]
    through = {service.name: dict(service.entry) for service in chosen}
    own = {name: dict(each) for service in chosen for name, each in service.credentials.items()}
    content = {
        "lakecheck": 1,
        "inventory": {
            "ca": _shown(layout, layout.ca),
            "rses": {s.name: _rse(s, number) for number, s in enumerate(storages)},
        },
        "credentials": {"lake": {"x509": {"proxy": _shown(layout, layout.proxy)}}, **own},
        **({"services": through} if through else {}),
        "tests": {},
    }
    head = "# Written by `lakecheck lake up`; include it in a spec.\n"
    path = layout.folder / INVENTORY
    write_whole(path, head + yaml.safe_dump(content, sort_keys=False, width=100))
    return path


def _shown(layout: Layout, path: Path) -> str:
    # Relative paths are relative to the file they stand in, so the folder may be moved or mounted.
    return str(path.relative_to(layout.folder) if layout.home == layout.folder else path)


def _rse(storage: Storage, number: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "endpoints": list(storage.endpoints.values()),
        "attributes": attributes_of(storage, number),
        "credential": storage.credential,
        "checksum": storage.checksum,
    }
    described["tpc"] = list(storage.tpc) or "none"
    return described


def attributes_of(storage: Storage, number: int) -> dict[str, str | int]:
    """Give what a lake's RSE is said to be; `number` counts them from 0."""
    country, site = _PLACES[number % len(_PLACES)]
    quota = "low" if number % 2 else "high"
    quality = "CHEAP" if number else "FAST"
    return {"country": country, "site": site, "quota": quota, "QOS": quality, **storage.attributes}


def write_environment(layout: Layout, services: Iterable[Service] = ()) -> None:
    """Write what tools run by hand need: `. DIR/env`."""
    settings: dict[str, object] = {
        "X509_CERT_DIR": layout.ca,
        "X509_USER_PROXY": layout.proxy,
        "XrdSecGSIDELEGPROXY": "1",  # third-party copies over root:// with X.509
        "SSL_CERT_FILE": layout.ca / "ca-bundle.pem",
        "SSL_CERT_DIR": layout.ca,
        "CURL_CA_BUNDLE": layout.ca / "ca-bundle.pem",
        "REQUESTS_CA_BUNDLE": layout.ca / "ca-bundle.pem",
        "GFAL_PYTHONBIN": "/usr/bin/python3",
    }
    for service in services:
        settings.update(service.variables)
    lines = [f"export {name}={_quoted(str(value))}" for name, value in settings.items()]
    path = layout.folder / ENVIRONMENT
    write_whole(path, "\n".join(lines) + "\n")
    os.chmod(path, 0o644)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
