"""What the kinds share when they lay out their matrices: places, labels, credentials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lakecheck.model import RSE, Credential, DriverChoice, Endpoint, Inventory, Test
from lakecheck.spec import expression
from lakecheck.units import SIZES

# Schemes that name the same protocol, so that a link may join them.
FAMILIES = {"https": "davs", "http": "dav", "xroot": "root", "roots": "root", "xroots": "root"}
LABEL_UNITS = ("TB", "GB", "MB", "kB", "TiB", "GiB", "MiB", "KiB")


def family(scheme: str) -> str:
    """Protocol family of a scheme: `https` and `davs` are one."""
    return FAMILIES.get(scheme, scheme)


def size_label(count: int) -> str:
    """Write a size exactly and without a dot, as addresses need it: `1MB`, `1GiB`, `1500kB`."""
    for unit in LABEL_UNITS:
        if count and count % SIZES[unit] == 0:
            return f"{count // SIZES[unit]}{unit}"
    return f"{count}B"


def rses(test: Test, inventory: Inventory) -> tuple[RSE, ...]:
    """RSEs that a test's `on:` selects, in the inventory's order."""
    if test.on == "*":
        return tuple(inventory.rses.values())
    chosen = expression.parse(test.on).select(inventory.rses)
    return tuple(inventory.rses[name] for name in chosen)


def rses_of(written: str, members: Sequence[RSE]) -> tuple[RSE, ...]:
    """RSEs among some that an expression selects."""
    known = {rse.name: rse for rse in members}
    return tuple(known[name] for name in expression.parse(written).select(known))


def wanted(endpoint: Endpoint, protocols: Sequence[str]) -> bool:
    """Whether a test's `protocols:` (none: all) takes an endpoint, by scheme or by label."""
    return not protocols or endpoint.scheme in protocols or endpoint.protocol in protocols


def endpoints(test: Test, inventory: Inventory, protocols: Sequence[str]) -> Iterator[Endpoint]:
    """Endpoints of the selected RSEs that speak the wanted protocols."""
    for rse in rses(test, inventory):
        for endpoint in rse.endpoints:
            if wanted(endpoint, protocols):
                yield endpoint


def there(rse: RSE) -> Endpoint:
    """An RSE without a way in: which one is used, if any, is a service's business."""
    ca = rse.endpoints[0].ca if rse.endpoints else ""
    return Endpoint(rse.name, url="", scheme="", host="", port=0, path="", protocol="", ca=ca)


def driver(test: Test, rse: RSE) -> DriverChoice:
    """Driver for an RSE: its own, else the test's."""
    return rse.driver or test.driver


def credentials(written: Sequence[str], rse: RSE) -> tuple[tuple[str, str], ...]:
    """Pairs of credential and its part of the address: empty where the test names none."""
    if not written:
        return ((rse.credential, ""),)
    return tuple((name, f".{name}") for name in written)


def needs_check(credential: Credential) -> bool:
    """Whether a credential is one that can be valid or not."""
    return credential.kind != "none"
