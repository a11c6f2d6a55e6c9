"""Lock files: the copy of a catalogue that is planned from, read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from lakecheck.model import Mode, Scalar
from lakecheck.spec import language
from lakecheck.spec.endpoints import EndpointURL, parse
from lakecheck.spec.nodes import quote

VERSION = 1
Distances = dict[str, dict[str, int]]  # by source, then destination
LARGEST = 64_000_000  # bytes
BEGINNING = re.compile(rb'\s*\{\s*"lock":')
WAY_OUT = "`lakecheck inventory update` writes it anew"


class LockedRSE(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a catalogue says of one RSE; what it does not say is as in a spec."""

    endpoints: tuple[str, ...]
    attributes: dict[str, Scalar] = {}
    checksum: Literal["auto", "adler32", "md5", "none"] = "auto"
    tpc: tuple[Mode, ...] | Literal["none"] = ("pull", "push")


class LeftOut(Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """Something of a catalogue that cannot be tested, and why."""

    what: str
    why: str


class Lock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lock file; `gone` are the RSEs that the catalogue had once, as they were then.

    `distances` are None where the catalogue tells none, or the lock is older than them.
    """

    lock: Literal[1] = 1
    source: str
    address: str = field(name="from")
    read: str  # RFC 3339: when the catalogue was read that first said this
    ignored: tuple[LeftOut, ...] = ()
    rses: dict[str, LockedRSE] = {}
    gone: dict[str, LockedRSE] = {}
    distances: Distances | None = None


class Unusable(ValueError):
    """There is a file, but it cannot serve as a lock; the sentence says why."""


def read_lock(path: Path, source: str = "") -> Lock:
    """Read a lock, of one catalogue where it is named.

    FileNotFoundError where there is none; Unusable with a sentence where it is no sound lock.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Unusable(f"the lock {path} cannot be read: {reason}") from None
    if len(content) > LARGEST:
        raise Unusable(f"{path} is too large to be a lock")
    lock = _decoded(content, path)
    if source and lock.source != source:
        raise Unusable(
            f"the lock {path} is of {quote(lock.source)}, not of {source}; "
            "give each catalogue a file of its own with lock:"
        )
    return lock


def _decoded(content: bytes, path: Path) -> Lock:
    if content.strip() and not BEGINNING.match(content):
        raise Unusable(f"{path} is no lock of an inventory; name another file with lock:")
    try:
        lock = msgspec.json.decode(content, type=Lock)
        for name, rse in (*lock.rses.items(), *lock.gone.items()):
            check_rse(name, rse)
    except msgspec.ValidationError as error:
        raise Unusable(f"the lock {path} is not sound: {error}; {WAY_OUT}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unusable(f"the lock {path} is torn or was edited: no JSON; {WAY_OUT}") from None
    except ValueError as error:
        raise Unusable(f"the lock {path} is not sound: {error}; {WAY_OUT}") from None
    return lock


def check_rse(name: str, rse: LockedRSE) -> None:
    """Raise ValueError where a name, an endpoint or an attribute could not stand in a spec."""
    if not re.fullmatch(language.NAME, name):
        raise ValueError(f"{quote(name)} is no name; a name has letters, digits, - and _")
    if not rse.endpoints:
        raise ValueError(f"{name} has no endpoints")
    for text in rse.endpoints:
        parse(text)
    for attribute in rse.attributes:
        check_attribute(attribute)


def check_attribute(name: str) -> None:
    """Raise ValueError where a text can be no attribute's name."""
    if not re.fullmatch(language.ATTRIBUTE_SHAPE.pattern, name):
        raise ValueError(f"{quote(name)} is no name of an attribute")


def joined(locks: Iterable[Lock]) -> dict[str, LockedRSE]:
    """Lay locks together; of an RSE in several all endpoints count, else what the first says."""
    found: dict[str, LockedRSE] = {}
    for lock in locks:
        for name, rse in lock.rses.items():
            first = found.get(name, rse)
            found[name] = msgspec.structs.replace(
                first,
                endpoints=tuple(dict.fromkeys((*first.endpoints, *rse.endpoints))),
                attributes={**rse.attributes, **first.attributes},
            )
    return found


def entry_of(rse: LockedRSE) -> language.RSEEntry:
    """Give what a spec would say of an RSE."""
    urls: dict[EndpointURL, None] = dict.fromkeys(parse(text) for text in rse.endpoints)
    return language.RSEEntry(
        endpoints=tuple(urls), attributes=rse.attributes, checksum=rse.checksum, tpc=rse.tpc
    )
