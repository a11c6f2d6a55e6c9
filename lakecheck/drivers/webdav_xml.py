"""Answers to PROPFIND (RFC 4918, 14.16): names, sizes, folders."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from lakecheck.drivers.base import Stat
from lakecheck.errors import ProtocolError

DAV = "{DAV:}"


def responses(body: bytes) -> Iterator[tuple[str, Stat]]:
    """Give path (unescaped, without a slash at the end) and properties of each resource."""
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ProtocolError(f"the answer to PROPFIND is no XML: {error}") from None
    for response in root.iter(f"{DAV}response"):
        href = response.findtext(f"{DAV}href") or ""
        yield unquote(urlsplit(href.strip()).path).rstrip("/"), _stat(response)


def _stat(response: Element) -> Stat:
    size, folder, modified = 0, False, None
    for found in response.iterfind(f"{DAV}propstat"):
        if " 200" not in (found.findtext(f"{DAV}status") or " 200"):
            continue
        size = int(found.findtext(f"{DAV}prop/{DAV}getcontentlength") or size)
        folder = folder or found.find(f"{DAV}prop/{DAV}resourcetype/{DAV}collection") is not None
        modified = _seconds(found.findtext(f"{DAV}prop/{DAV}getlastmodified")) or modified
    return Stat(0 if folder else size, folder, modified)


def _seconds(text: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None where it is none."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
