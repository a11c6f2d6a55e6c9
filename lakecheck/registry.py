"""What is installed: kinds and drivers, found by entry point and imported only when used."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lakecheck.errors import UsageError


@cache
def _group(name: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"lakecheck.{name}")}


def names(group: str) -> tuple[str, ...]:
    """Names registered in a group (`kinds`, `drivers`), sorted, without importing any."""
    return tuple(sorted(_group(group)))


@cache
def load(group: str, name: str) -> Any:
    """Import and give the object registered under a name; UsageError names what is there."""
    found = _group(group)
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else "."
        noun = group.removesuffix("s")
        raise UsageError(f'there is no {noun} "{name}"{hint} Installed: {", ".join(names(group))}')
    return found[name].load()
