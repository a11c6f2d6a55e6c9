"""Answers to PROPFIND (RFC 4918, 14.16): names, sizes, folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from lakecheck.drivers.base import Stat
from lakecheck.errors import ProtocolError

DAV = "{DAV:}"
RESPONSE = f"{DAV}response"
UNESCAPING = re.compile(r"XrootD/v?([1-4]|5\.[0-5])\.")
ESCAPED = re.compile(r"([\w.~!$&'()*+,;=:@/?-]|%[0-9a-fA-F]{2})*", re.ASCII)  # RFC 3986


def responses(body: bytes, server: str = "") -> Iterator[tuple[str, Stat]]:
    """Give path (unescaped, without a slash at the end) and properties of each resource.

    `server` is what the answer's header of that name says.
    """
    root = _root(body)
    read = _reader([_href(response) for response in root.iter(RESPONSE)], server)
    for response in root.iter(RESPONSE):
        yield read(_href(response)), _stat(response)


def names(body: bytes, server: str = "") -> frozenset[str]:
    """Paths of the resources, as `responses` gives them, without their properties."""
    hrefs = [_href(response) for response in _root(body).iter(RESPONSE)]
    return frozenset(map(_reader(hrefs, server), hrefs))


def _root(body: bytes) -> Element:
    try:
        return fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ProtocolError(f"the answer to PROPFIND is no XML: {error}") from None


def _href(response: Element) -> str:
    return (response.findtext(f"{DAV}href") or "").strip()


def _reader(hrefs: list[str], server: str) -> Callable[[str], str]:
    """Give what turns an href into a path: XRootD up to 5.5 does not escape them."""
    if UNESCAPING.match(server) or not all(map(ESCAPED.fullmatch, hrefs)):
        return lambda href: href.rstrip("/")
    return lambda href: unquote(urlsplit(href).path).rstrip("/")


def _stat(response: Element) -> Stat:
    size, folder, modified = 0, False, None
    for found in response.iterfind(f"{DAV}propstat"):
        if " 200" not in (found.findtext(f"{DAV}status") or " 200"):
            continue
        size = _bytes(found.findtext(f"{DAV}prop/{DAV}getcontentlength")) or size
        folder = folder or found.find(f"{DAV}prop/{DAV}resourcetype/{DAV}collection") is not None
        modified = _seconds(found.findtext(f"{DAV}prop/{DAV}getlastmodified")) or modified
    return Stat(0 if folder else size, folder, modified)


def _bytes(text: str | None) -> int:
    if text and not text.strip().isdecimal():
        raise ProtocolError(f'the answer to PROPFIND tells "{text[:40]}" as a size')
    return int(text) if text else 0


def _seconds(text: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None where it is none."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
