"""Where a catalogue is read: a URL, or the path of a file."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from lakecheck.spec.nodes import Node, quote
from lakecheck.spec.scalar_shapes import read_text
from lakecheck.spec.shapes import Context, Schema

WEB = ("https", "http")


def is_url(address: str) -> bool:
    """Whether an address is a URL and no path."""
    return "://" in address


def checked(address: str) -> str:
    """Give an address; ValueError where it can be no catalogue's."""
    scheme, _, rest = address.partition("://")
    if not is_url(address):
        if not address.strip() or "\0" in address:
            raise ValueError("expected a URL or the path of a file, found nothing")
        return address
    if scheme.lower() not in WEB:
        raise ValueError(f"{quote(address)}: catalogues are read over https or http, or from files")
    if "@" in re.split(r"[/?#]", rest)[0]:
        raise ValueError("a catalogue's URL holds no user name or password")
    if re.search(r"[\s\x00-\x1f\x7f]", address):
        raise ValueError(f"{quote(address)} holds a blank or control character; escape it as %20")
    return address


class AddressShape(Struct, frozen=True):
    """A URL or a path, as written."""

    expected: str = "a URL or the path of a file"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        return read_text(self, node, path, context, checked)

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "string", "minLength": 1}
