from __future__ import annotations

import pytest

from lakecheck.drivers.base import Stat
from lakecheck.drivers.webdav_xml import names, responses
from lakecheck.errors import ProtocolError

DATE = "Sat, 21 Nov 2026 11:28:35 GMT"
SECONDS = 1795260515.0


def answer(*hrefs: str, properties: str = "<D:resourcetype/>") -> bytes:
    body = "".join(
        f"<D:response><D:href>{href}</D:href><D:propstat><D:prop>{properties}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        for href in hrefs
    )
    return f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{body}</D:multistatus>'.encode()


def test_a_file() -> None:
    size = (
        f"<D:getcontentlength>6</D:getcontentlength><D:getlastmodified>{DATE}</D:getlastmodified>"
    )
    assert list(responses(answer("/a", properties=size))) == [("/a", Stat(6, False, SECONDS))]


def test_a_folder_has_no_size() -> None:
    folder = (
        "<D:getcontentlength>4096</D:getcontentlength>"
        "<D:resourcetype><D:collection/></D:resourcetype>"
    )
    assert list(responses(answer("/a/", properties=folder))) == [("/a", Stat(0, True))]


def test_what_a_server_does_not_have_is_not_taken() -> None:
    body = answer("/a").replace(
        b"</D:response>",
        b"<D:propstat><D:prop><D:getcontentlength/></D:prop>"
        b"<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>",
    )
    assert list(responses(body)) == [("/a", Stat(0))]


@pytest.mark.parametrize(
    ("hrefs", "server", "paths"),
    [
        (["/d/a%20b", "https://h:1/d/c/"], "Apache/2.4", {"/d/a b", "/d/c"}),
        (["/d/p%252Fz"], "Apache/2.4", {"/d/p%2Fz"}),
        (["/d/p%2Fz", "/d/a b"], "Apache/2.4", {"/d/p%2Fz", "/d/a b"}),  # plainly not escaped
        (["/d/p%2Fz"], "XrootD/v5.5.3", {"/d/p%2Fz"}),
        (["/d/a%20b"], "XrootD/v5.8.0", {"/d/a b"}),
        (["/d/ü#1"], "", {"/d/ü#1"}),
    ],
)
def test_hrefs_escaped_or_not(hrefs: list[str], server: str, paths: set[str]) -> None:
    assert names(answer(*hrefs), server) == paths


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="PROPFIND"):
        list(responses(body))


def test_a_size_that_is_none() -> None:
    size = "<D:getcontentlength>many</D:getcontentlength>"
    with pytest.raises(ProtocolError, match="many"):
        list(responses(answer("/a", properties=size)))
