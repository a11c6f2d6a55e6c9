"""A service of the lake beside its storages: a store or broker that documents go to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from lakecheck.devlake.server import Server, Site


class Service(Struct, frozen=True):
    """One service with its configuration written: its servers, and what its clients need.

    `settings` (url, user, password, ca, …) go to lake.json; `variables` to `env`, for specs.
    With an `entry` it is one that tests go through, and stands in the lake's inventory.
    """

    name: str
    version: str
    servers: tuple[Server, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)  # of a spec's `services:`
    credentials: Mapping[str, Any] = field(default_factory=dict)  # those that the entry needs
    # Takes a fault in words, and the URLs of the lake's storages; UsageError where it has none so.
    misbehave: Callable[[str, Mapping[str, Sequence[str]]], None] | None = None


class ServiceKind(Struct, frozen=True):
    """What `--with NAME` brings: programs it needs with their packages, ports, how to build it.

    `fetch` brings its distribution into the cache, so that `build` needs no network. `needs` are
    services that come along, and that are built first.
    """

    name: str
    title: str
    programs: Mapping[str, str]  # program: Debian package
    ports: int
    fetch: Callable[[], object]
    build: Callable[[Site], Service]
    needs: tuple[str, ...] = ()


def make_password() -> str:
    """Make a password, which may stand in a URL as it is."""
    return secrets.token_hex(12)


def plain_environment(site: Site) -> dict[str, str]:
    """Give the environment of a service's servers: nothing of ours, and no faults."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(site.layout.run),
        "TMPDIR": str(site.layout.run / "tmp"),
    }
