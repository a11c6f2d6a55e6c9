"""A service of the lake beside its storages: a store or broker that documents go to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from lakecheck.devlake.server import Server, Site


class Service(Struct, frozen=True):
    """One service with its configuration written: its servers, and what its clients need.

    `settings` (url, user, password, ca, …) go to lake.json; `variables` to `env`, for specs.
    """

    name: str
    version: str
    servers: tuple[Server, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class ServiceKind(Struct, frozen=True):
    """What `--with NAME` brings: programs it needs with their packages, ports, how to build it.

    `fetch` brings its distribution into the cache, so that `build` needs no network.
    """

    name: str
    title: str
    programs: Mapping[str, str]  # program: Debian package
    ports: int
    fetch: Callable[[], object]
    build: Callable[[Site], Service]
