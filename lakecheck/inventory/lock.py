"""Writing locks: whole or not at all, and only over what is a lock."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

import msgspec

from lakecheck.inventory.catalogue import Catalogue
from lakecheck.spec.locks import BEGINNING, Lock

BEGIN = 4096  # bytes that tell whether a file is a lock


def updated(old: Lock | None, found: Catalogue, source: str, address: str, now: str) -> Lock:
    """Make the lock that follows an older one; RSEs that have left are `gone`."""
    before = {**old.gone, **old.rses} if old else {}
    gone = {name: rse for name, rse in sorted(before.items()) if name not in found.rses}
    fresh = Lock(
        source=source,
        address=address,
        read=now,
        ignored=found.ignored,
        rses=found.rses,
        gone=gone,
        distances=found.distances,
    )
    if old and msgspec.structs.replace(old, read=now) == fresh:
        return old
    return fresh


def catalogue(lock: Lock) -> Catalogue:
    """Give what the catalogue said when it was read."""
    return Catalogue(lock.rses, lock.ignored, lock.distances)


def encoded(lock: Lock) -> bytes:
    """Give a lock's text: one value a line, RSEs and attributes sorted, for readable diffs."""
    plain = msgspec.to_builtins(lock)
    if lock.distances is None:
        del plain["distances"]
    for section in ("rses", "gone"):
        plain[section] = {name: _sorted(rse) for name, rse in sorted(plain[section].items())}
    return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()


def _sorted(rse: dict[str, object]) -> dict[str, object]:
    attributes = rse.get("attributes")
    if isinstance(attributes, dict):
        rse["attributes"] = dict(sorted(attributes.items()))
    return rse


def write(path: Path, lock: Lock) -> None:
    """Write a lock so that it is there whole or not at all; OSError where that cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.realpath(path))  # a link stays one
    fresh = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        with fresh.open("wb") as file:
            file.write(encoded(lock))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def may_replace(path: Path) -> bool:
    """Whether there is nothing at a path, or a lock, whole or torn."""
    try:
        with path.open("rb") as file:
            begin = file.read(BEGIN)
    except (FileNotFoundError, NotADirectoryError):
        return True
    return not begin.strip() or bool(BEGINNING.match(begin))
