"""What a catalogue says of RSEs in the words of Rucio: settings, protocols, attributes, distances.

Nothing is left out here for being untestable: an RSE is registered with all its protocols.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lakecheck.inventory.catalogue import (
    AVAILABILITY,
    PLAIN,
    Catalogue,
    NotUnderstood,
    distances_of,
    is_false,
    map_of,
    scalars,
    url_of,
)
from lakecheck.model import Scalar
from lakecheck.spec.endpoints import parse
from lakecheck.spec.locks import Distances, LockedRSE

# Properties of an RSE that its creation takes, that can be changed, and that an export tells.
SETTINGS = (
    *("rse_type", "deterministic", "volatile", "staging_area", "city", "region_code"),
    *("country_name", "time_zone", "latitude", "longitude", "qos_class", *AVAILABILITY),
)
TRUTHS = ("deterministic", "volatile", "staging_area", *AVAILABILITY)
# What stands beside an RSE's protocols and is an attribute to Rucio.
BESIDE = tuple(name for name in PLAIN if name not in (*SETTINGS, "country"))
NEAR = ("read", "write", "delete")
FAR = ("third_party_copy_read", "third_party_copy_write")

Key = tuple[str, str, int]  # scheme, host, port: what tells an RSE's protocols apart
Domains = dict[str, dict[str, int | None]]


class Protocol(Struct, frozen=True):
    """One protocol of an RSE; None is what the catalogue does not tell."""

    scheme: str
    hostname: str
    port: int
    prefix: str
    impl: str | None = None
    domains: Domains | None = None
    extended: Mapping[str, Any] | None = None

    @property
    def key(self) -> Key:
        """What tells it apart from the RSE's others."""
        return self.scheme, self.hostname, self.port

    @property
    def url(self) -> str:
        """Its endpoint, as people know it."""
        return url_of(self.scheme, self.hostname, self.port, self.prefix)


class Registration(Struct, frozen=True):
    """One RSE."""

    settings: dict[str, Scalar]
    protocols: dict[Key, Protocol]
    attributes: dict[str, Scalar]


class Registry(Struct, frozen=True):
    """All RSEs of a catalogue; `distances` are None where it tells none."""

    rses: dict[str, Registration]
    distances: Distances | None = None


def of_json(found: Mapping[str, Any], may_be_empty: bool = False) -> Registry:
    """Read what CRIC's preset `doma` or Rucio's `export_data` gave; NotUnderstood if neither."""
    rses = {
        name: _of_rse(name, rse)
        for name, rse in sorted(map_of(found.get("rses"), '"rses"').items())
        if isinstance(rse, dict)
    }
    if not rses and not may_be_empty:
        raise NotUnderstood("it lists no RSE")
    return Registry(rses, distances_of(found.get("distances")))


def of_catalogue(found: Catalogue) -> Registry:
    """Make one of RSEs as tests know them."""
    return Registry({name: _of_locked(rse) for name, rse in found.rses.items()}, found.distances)


def _of_rse(name: str, rse: Mapping[str, Any]) -> Registration:
    told = scalars(dict(rse))
    attributes = {key: told[key] for key in BESIDE if key in told}
    for own in (rse.get("params"), rse.get("attributes")):
        attributes |= scalars(own)
    attributes = {key: each for key, each in attributes.items() if key not in (name, *SETTINGS)}
    protocols = {each.key: each for each in _protocols(rse)}
    return Registration(_settings(told), protocols, dict(sorted(attributes.items())))


def _settings(told: Mapping[str, Scalar]) -> dict[str, Scalar]:
    return {
        key: not is_false(told[key]) if key in TRUTHS else told[key]
        for key in SETTINGS
        if key in told
    }


def _protocols(rse: Mapping[str, Any]) -> Iterator[Protocol]:
    several = rse.get("protocols")
    for each in several if isinstance(several, list) else ():
        if not isinstance(each, dict) or not each.get("scheme"):
            continue
        port = str(each.get("port") or 0)
        impl = each.get("impl") or rse.get("impl")
        extended = each.get("extended_attributes", each.get("ext_attrs"))
        yield Protocol(
            scheme=str(each["scheme"]).lower(),
            hostname=str(each.get("hostname") or ""),
            port=int(port) if port.isdecimal() else 0,
            prefix=str(each.get("prefix") or ""),
            impl=str(impl) if impl and "." in str(impl) else None,
            domains=_domains(each.get("domains")),
            extended=extended if isinstance(extended, dict) and extended else None,
        )


def _domains(told: Any) -> Domains | None:
    """Give Rucio's two domains; CRIC has a third one for third-party copies."""
    if not isinstance(told, dict):
        return None
    found: Domains = {"lan": {}, "wan": {}}
    for domain, wanted in (("lan", NEAR), ("wan", (*NEAR, *FAR))):
        row = told.get(domain)
        for operation in wanted:
            if isinstance(row, dict) and operation in row:
                found[domain][operation] = _priority(row[operation])
    copies = told.get("third_party_copy")
    for operation in ("read", "write"):
        if isinstance(copies, dict) and operation in copies:
            found["wan"][f"third_party_copy_{operation}"] = _priority(copies[operation])
    return {domain: row for domain, row in found.items() if row} or None


def _priority(told: Any) -> int | None:
    """Give a priority from 1; None where the operation is not offered."""
    return told if type(told) is int and told > 0 else None


def _of_locked(rse: LockedRSE) -> Registration:
    told = dict(rse.attributes)
    if "country" in told:
        told["country_name"] = told.pop("country")
    roles = () if rse.tpc == "none" else rse.tpc
    protocols = {}
    for priority, text in enumerate(rse.endpoints, 1):
        url = parse(text)
        far = {"third_party_copy_read": "push", "third_party_copy_write": "pull"}
        wan = {name: priority if role in roles else None for name, role in far.items()}
        near: dict[str, int | None] = dict.fromkeys(NEAR, priority)
        domains: Domains = {"lan": near, "wan": {**near, **wan}}
        each = Protocol(url.scheme, url.host, url.port, url.path, domains=domains)
        protocols[each.key] = each
    attributes = {key: value for key, value in told.items() if key not in SETTINGS}
    return Registration(_settings(told), protocols, attributes)
