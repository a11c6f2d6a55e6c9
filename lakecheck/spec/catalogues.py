"""`inventory.cric`, `rucio` and `fts_config`: where RSEs come from, and where their copy is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from lakecheck.model import NOBODY, Credential, ServiceChoice
from lakecheck.spec import language
from lakecheck.spec.nodes import Node, Place
from lakecheck.spec.records import record_of
from lakecheck.spec.shapes import Context

SERVER = "rucio"  # the catalogue that may be a server, and the kind of that service


class Source(Struct, frozen=True):
    """A catalogue that a spec names: where it is read, and which file is its lock.

    `service` is the server that is asked; None where a URL or file is read. `unset` names the
    environment variables that it needs and that are not set.
    """

    name: str  # cric, rucio or fts_config
    address: str  # as written
    located: str  # the same, paths from the current folder
    lock: Path
    refresh: float = 600.0  # seconds
    frozen: bool = False
    ca: str = ""
    timeout: float = 30.0  # seconds
    place: Place = Place("")
    service: ServiceChoice | None = None
    credential: Credential = NOBODY
    unset: tuple[str, ...] = ()


def decode_catalogue(name: str, node: Node, path: str, context: Context) -> Any:
    """Decode one catalogue's entry."""
    return record_of(language.CATALOGUES[name]).decode(node, path, context)
