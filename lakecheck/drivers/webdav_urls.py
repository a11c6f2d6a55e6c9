"""Between URLs as they are written in specs and URLs as HTTP wants them."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin

from lakecheck.errors import Unsupported

SCHEMES = {"davs": "https", "https": "https", "dav": "http", "http": "http"}
SAFE = "/:@!$&'()*,;=~%"  # RFC 3986, 3.3, but for "+", which some servers read as a blank
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


def split(url: str) -> tuple[str, str]:
    """Cut a URL into `scheme://host:port` and the path as written."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", slash + path


@lru_cache(4096)
def wire(url: str) -> str:
    """Give the HTTP URL that is sent for a URL; what is not escaped yet is escaped.

    Unsupported where the URL is not of HTTP.
    """
    address, path = split(url)
    scheme, _, authority = address.partition("://")
    if scheme not in SCHEMES:
        said = f'WebDAV does not speak "{scheme}" ({url}), only {", ".join(SCHEMES)}'
        raise Unsupported(said, side="transfer")
    return f"{SCHEMES[scheme]}://{authority}{_escaped(path) or '/'}"


def _escaped(path: str) -> str:
    return quote(_STRAY.sub("%25", path), safe=SAFE)


def path_of(url: str) -> str:
    """Give the path, unescaped and without a slash at the end, as servers list it."""
    return unquote(split(url)[1]).rstrip("/")


def named(hop: str) -> str:
    """Cut the query, which may hold a token, off an HTTP URL."""
    return hop.partition("?")[0]


def parent(url: str) -> str | None:
    """Give the folder of a name; None at the top."""
    address, path = split(url)
    folder = path.rstrip("/").rpartition("/")[0]
    return address + folder if folder else None


def origin(hop: str) -> str:
    """`scheme://host:port` of an HTTP URL."""
    return split(hop)[0]


def encrypted(hop: str) -> bool:
    """Whether what is sent there goes over TLS."""
    return hop.startswith("https://")


def joined(hop: str, location: str) -> str:
    """Resolve a redirect's address, which may be relative.

    XRootD's managers (5.5) do not escape it: where it is just the name that was asked for,
    it is escaped here.
    """
    absolute = location if "://" in location else urljoin(hop, location)
    address, rest = split(absolute)
    path, mark, query = rest.partition("?")
    if path.lstrip("/") == path_of(named(hop)).lstrip("/"):
        path = path.replace("%", "%25")
    return f"{address}{_escaped(path)}{mark}{query}"
