"""Endpoint URLs: `scheme://host:port/prefix`, kept as written."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from lakecheck.spec.nodes import Node, quote
from lakecheck.spec.scalar_shapes import read_text
from lakecheck.spec.shapes import INVALID, Context, Reference, Schema

FORM = "scheme://host:port/prefix"
USUAL_PORTS = {"davs": 443, "https": 443, "http": 80, "dav": 80, "root": 1094, "roots": 1094,
               "xroot": 1094, "gsiftp": 2811, "ftp": 21, "srm": 8446}  # fmt: skip

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(:(?P<port>[0-9]+))?"
    r"(?P<path>/.*)?"
)
PATTERN = r"[A-Za-z][A-Za-z0-9+.\-]*://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+):[0-9]+(/[^\s?#\x00-\x1f\x7f]*)?"


class EndpointURL(Struct, frozen=True):
    """The parts of an endpoint; `url` and `path` without a slash at the end."""

    url: str
    scheme: str
    host: str
    port: int
    path: str


def parse(text: str) -> EndpointURL:
    """Take an endpoint's URL apart; ValueError says what it lacks."""
    authority = text.partition("://")[2].partition("/")[0]
    if "@" in authority:
        raise ValueError("an endpoint holds no user name or password; name a credential instead")
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError(f"{quote(text)} holds a blank or control character; escape it as %20")
    if "://" not in text and re.match(r"[A-Za-z0-9._-]+(:[0-9]+)?(/|$)", text):
        raise ValueError(f"{quote(text)} has no scheme; write {FORM}, such as davs://{text}")
    if "?" in text or "#" in text:
        raise ValueError(f'an endpoint holds no "?" or "#"; write {FORM}')
    match = _URL.fullmatch(text)
    if not match:
        raise ValueError(f"{quote(text)} is not an endpoint; write {FORM}")
    if not match["port"]:
        raise ValueError(f"{quote(text)} has no port; write {_with_port(match)}")
    port = int(match["port"][:6])
    if not 0 < port < 65536:
        raise ValueError(f"{quote(text)} has port {match['port'][:20]}; ports are 1 to 65535")
    scheme = match["scheme"].lower()
    path = (match["path"] or "").rstrip("/")
    url = f"{scheme}://{match['host']}:{port}{path}"
    return EndpointURL(url, scheme, match["host"].strip("[]"), port, path)


def _with_port(match: re.Match[str]) -> str:
    port = USUAL_PORTS.get(match["scheme"].lower())
    if port is None:
        return FORM
    return f"{match['scheme']}://{match['host']}:{port}{match['path'] or ''}, or whichever it is"


class EndpointShape(Struct, frozen=True):
    """An endpoint's URL, decoded to its parts."""

    expected: str = f"an endpoint {FORM}"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        url = read_text(self, node, path, context, parse)
        if url is not INVALID:
            context.references.append(Reference("scheme", url.scheme, node.place, path))
        return url

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "string", "pattern": f"^{PATTERN}$"}
