"""`inventory.cric`, `rucio` and `fts_config`: where RSEs come from, and where their copy is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lakecheck.spec import language
from lakecheck.spec.addresses import is_url
from lakecheck.spec.nodes import Node, Place, join
from lakecheck.spec.records import record_of
from lakecheck.spec.shapes import INVALID, Context

if TYPE_CHECKING:
    from lakecheck.spec.sections import Entry


class Source(Struct, frozen=True):
    """A catalogue that a spec names: where it is read, and which file is its lock."""

    name: str  # cric, rucio or fts_config
    address: str  # as written
    located: str  # the same, paths from the current folder
    lock: Path
    refresh: float = 600.0  # seconds
    frozen: bool = False
    ca: str = ""
    timeout: float = 30.0  # seconds
    place: Place = Place("")


def decode_catalogue(name: str, node: Node, path: str, context: Context) -> Any:
    """Decode one catalogue's entry."""
    if name == "rucio" and node.kind == "map" and "url" in node.entries:
        message = (
            "this version reads no Rucio server; write export: FILE, "
            "a file or URL with what its export_data gives"
        )
        context.faults.add(node.entries["url"][0], join(path, "url"), message)
        return INVALID
    return record_of(language.CATALOGUES[name]).decode(node, path, context)


def sources_of(entries: Mapping[str, Entry[language.CatalogueEntry]]) -> tuple[Source, ...]:
    """Give the sound catalogues, in the order in which they count."""
    return tuple(
        _source(name, entry)
        for name in language.CATALOGUES
        if (entry := entries.get(name))
        if entry.content
    )


def _source(name: str, entry: Entry[language.CatalogueEntry]) -> Source:
    content = entry.content
    assert content is not None
    return Source(
        name=name,
        address=content.address,
        located=content.address
        if is_url(content.address)
        else str(_path(entry.folder, content.address)),
        lock=_path(entry.folder, content.lock or f"{name}.lock.json"),
        refresh=float(content.refresh),
        frozen=content.frozen,
        ca=str(_path(entry.folder, content.ca)) if content.ca else "",
        timeout=float(content.timeout),
        place=entry.place,
    )


def _path(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / os.path.expanduser(text)))
