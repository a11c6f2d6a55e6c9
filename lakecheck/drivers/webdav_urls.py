"""Between the names of lakecheck, written as they are, and escaped HTTP URLs."""

from __future__ import annotations

from urllib.parse import quote, unquote, urljoin, urlsplit

SCHEMES = {"davs": "https", "https": "https", "dav": "http", "http": "http"}
SAFE = "/:@!$&'()*,;=~"  # RFC 3986, 3.3, but for "+", which some servers read as a blank


def split(url: str) -> tuple[str, str]:
    """Cut a URL into `scheme://host:port` and the path as written."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", slash + path


def wire(url: str) -> str:
    """Give the HTTP URL that is sent for a name; every special character is escaped once."""
    address, path = split(url)
    scheme, _, authority = address.partition("://")
    return f"{SCHEMES[scheme]}://{authority}{quote(path, safe=SAFE) or '/'}"


def named(hop: str) -> str:
    """Give the name that an HTTP URL stands for; a query, which may hold a token, is left out."""
    parts = urlsplit(hop)
    return f"{parts.scheme}://{parts.netloc}{unquote(parts.path)}"


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
    if path.lstrip("/") == unquote(urlsplit(hop).path).lstrip("/"):
        path = quote(path, safe=SAFE)
    return f"{address}{quote(path, safe=SAFE + '%')}{mark}{query}"
