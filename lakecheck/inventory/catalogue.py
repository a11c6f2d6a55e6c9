"""What all catalogues have in common: RSEs with endpoints, and what of them cannot be tested."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from lakecheck.model import Mode, Scalar
from lakecheck.spec import drivers
from lakecheck.spec.endpoints import parse
from lakecheck.spec.locks import Distances, LeftOut, LockedRSE, check_attribute, check_rse
from lakecheck.spec.nodes import quote

# SRM's URLs hold a path of its web service beside the prefix, which an endpoint has no place for.
NEVER = {"srm": "SRM endpoints are not tested"}
LARGEST_INTEGER = 2**63 - 1  # that JSON readers agree on
PLAIN = {  # what catalogues say of an RSE itself: its name as an attribute
    "country_name": "country",
    **{
        name: name
        for name in (
            "country", "site", "tier", "state", "rse_type", "qos_class", "fts", "deterministic",
            "volatile", "staging_area", "city", "region_code", "continent", "verify_checksum",
        )
    },
}  # fmt: skip
AVAILABILITY = ("availability_read", "availability_write", "availability_delete")


class NotUnderstood(ValueError):
    """A catalogue answered, but not with what it should; the sentence says with what."""


class Catalogue(Struct, frozen=True):
    """The RSEs of a catalogue, sorted by name, and what was left out of it.

    `distances` are those between its RSEs, by source; None where it tells none.
    """

    rses: dict[str, LockedRSE]
    ignored: tuple[LeftOut, ...] = ()
    distances: Distances | None = None


class Way(Struct, frozen=True):
    """One way into an RSE; `roles` in third-party copies are None where nothing is told."""

    url: str
    roles: frozenset[Mode] | None = None


class Gathering:
    """Collects RSEs one by one, and notes what cannot be tested."""

    def __init__(self) -> None:
        self._rses: dict[str, LockedRSE] = {}
        self._ignored: list[LeftOut] = []

    def leave_out(self, what: str, why: str) -> None:
        """Note something that cannot be tested."""
        self._ignored.append(LeftOut(what, why))

    def add(self, name: str, ways: Iterable[Way], attributes: Mapping[str, Scalar]) -> None:
        """Take an RSE with those of its ways that can be tested."""
        several = list(ways)
        kept = [way for way in several if self._testable(name, way)]
        if not kept:
            why = "none of its protocols can be tested" if several else "it has no protocols"
            self.leave_out(name, why)
            return
        rse = LockedRSE(
            endpoints=tuple(dict.fromkeys(parse(way.url).url for way in kept)),
            attributes=dict(sorted(self._named(name, attributes))),
            checksum="none" if is_false(attributes.get("verify_checksum")) else "auto",
            tpc=_roles(kept),
        )
        try:
            check_rse(name, rse)
        except ValueError as error:
            self.leave_out(name, str(error))
        else:
            self._rses[name] = rse

    def _testable(self, name: str, way: Way) -> bool:
        scheme = way.url.partition("://")[0].lower()
        why = NEVER.get(scheme, "")
        if not why and drivers.unspoken([scheme]):
            why = f"no driver speaks {quote(scheme)}"
        if not why:
            try:
                parse(way.url)
            except ValueError as error:
                why = str(error)
        if why:
            self.leave_out(f"{name} {way.url}", why)
        return not why

    def _named(self, name: str, attributes: Mapping[str, Scalar]) -> Iterator[tuple[str, Scalar]]:
        for attribute, value in attributes.items():
            try:
                check_attribute(attribute)
            except ValueError as error:
                self.leave_out(f"{name} attribute", str(error))
            else:
                yield attribute, value

    def catalogue(self, distances: Any = None) -> Catalogue:
        """Give all that was taken, with the distances between what can be tested."""
        ignored = tuple(sorted(set(self._ignored)))
        return Catalogue(dict(sorted(self._rses.items())), ignored, self._between(distances))

    def _between(self, told: Any) -> Distances | None:
        found = distances_of(told)
        if found is None:
            return None
        kept = {
            source: {name: value for name, value in row.items() if name in self._rses}
            for source, row in found.items()
            if source in self._rses
        }
        return {source: row for source, row in kept.items() if row}


def _roles(ways: list[Way]) -> tuple[Mode, ...] | Literal["none"]:
    """Give the roles that any way has; all of them where a way does not tell."""
    both: tuple[Mode, ...] = ("pull", "push")
    if any(way.roles is None for way in ways):
        return both
    found = frozenset().union(*(way.roles or () for way in ways))
    return tuple(mode for mode in both if mode in found) or "none"


def top(content: bytes) -> dict[str, Any]:
    """Give the JSON map that a catalogue answered with; NotUnderstood says what else it is."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        begin = content[:200].lstrip().lower()
        if begin.startswith((b"<!doctype", b"<html", b"<")):
            raise NotUnderstood("it is a web page and no JSON, perhaps a login") from None
        raise NotUnderstood("it is not JSON, or only a part of it") from None
    if not isinstance(found, dict):
        raise NotUnderstood(f"it is a JSON {kind_of(found)}; expected a map of RSEs")
    return found


def map_of(found: Any, what: str) -> dict[str, Any]:
    """Give a map; NotUnderstood where something else stands in its place."""
    if not isinstance(found, dict):
        raise NotUnderstood(f"{what} is a {kind_of(found)}; expected a map")
    return found


def kind_of(value: Any) -> str:
    """Say what a JSON value is."""
    names = {dict: "map", list: "list", str: "text", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")


def url_of(scheme: Any, host: Any, port: Any, prefix: Any) -> str:
    """Put an endpoint's URL together; the prefix stays as it stands."""
    path = "" if prefix is None else str(prefix)
    slash = "" if not path or path.startswith("/") else "/"
    name = "" if host is None else str(host)
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    colon = f":{port}" if port not in (None, "", 0, "0") else ""
    return f"{str(scheme or '').lower()}://{name}{colon}{slash}{path}"


def scalars(found: Any) -> dict[str, Scalar]:
    """Give what of a map is a text, a number or a truth value."""
    if not isinstance(found, dict):
        return {}
    return {name: _scalar(value) for name, value in found.items() if _is_scalar(value)}


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _scalar(value: Any) -> Scalar:
    large = type(value) is int and abs(value) > LARGEST_INTEGER
    scalar: Scalar = str(value) if large else value
    return scalar


def attributes_of(rse: Mapping[str, Any]) -> dict[str, Scalar]:
    """Give the attributes that stand beside an RSE's protocols.

    Used space and the like are none: they differ at each reading.
    """
    told = scalars(dict(rse))
    found = {new: told[name] for name, new in PLAIN.items() if name in told}
    found |= {name: False for name in AVAILABILITY if is_false(told.get(name))}
    return found


def is_false(value: Any) -> bool:
    """Whether a catalogue's value means no."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def roles_of(domains: Any) -> frozenset[Mode] | None:
    """Give the roles in third-party copies: who may be written to fetches, who is read sends.

    A priority of 0 or none means no. None where nothing is told.
    """
    if not isinstance(domains, dict):
        return None
    told = domains.get("third_party_copy")
    wan = domains.get("wan")
    if isinstance(told, dict) and told:
        read, write = told.get("read"), told.get("write")
    elif isinstance(wan, dict) and any(name.startswith("third_party_copy") for name in wan):
        both = wan.get("third_party_copy")
        read = wan.get("third_party_copy_read", both)
        write = wan.get("third_party_copy_write", both)
    else:
        return None
    roles: tuple[tuple[Mode, Any], ...] = (("pull", write), ("push", read))
    return frozenset(mode for mode, priority in roles if priority)


def distances_of(told: Any) -> Distances | None:
    """Read `{SRC: {DST: {"distance", "ranking"}}}`, sorted; None where it is no map."""
    if not isinstance(told, dict):
        return None
    found: Distances = {}
    for source, row in sorted(told.items()):
        for name, each in sorted(row.items()) if isinstance(row, dict) else ():
            value = each.get("distance", each.get("ranking")) if isinstance(each, dict) else each
            if type(value) is int and 0 <= value <= LARGEST_INTEGER and name != source:
                found.setdefault(source, {})[name] = value
    return found


def host_label(host: str) -> str:
    """Make an RSE's name of a host's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", host.strip("[]")).strip("-")
