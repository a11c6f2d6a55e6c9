from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.drivers.webdav_digest import found, normalised, wanted
from lakecheck.errors import ProtocolError
from lakecheck.model import Algorithm

MD5 = "b1946ac92492d2347c6235b4d2611184"
MD5_BASE64 = base64.b64encode(bytes.fromhex(MD5)).decode()


@pytest.mark.parametrize(
    ("headers", "algorithm", "value"),
    [
        ({"Digest": "adler32=084b021f"}, "adler32", "084b021f"),
        ({"Digest": "ADLER32=84B021F"}, "adler32", "084b021f"),
        ({"Digest": f"md5={MD5_BASE64}"}, "md5", MD5),
        ({"Digest": f"md5={MD5.upper()}"}, "md5", MD5),
        ({"Digest": f"md5={MD5_BASE64},adler32=084b021f"}, "adler32", "084b021f"),
        ({"Repr-Digest": f"md5=:{MD5_BASE64}:"}, "md5", MD5),
        ({"Repr-Digest": "adler=:CEsCHw==:"}, "adler32", "084b021f"),
        ({"Content-Digest": f"sha-256=:AAAA:, md5=:{MD5_BASE64}:"}, "md5", MD5),
        ({"Digest": "adler32=084b021f"}, "md5", None),
        ({}, "adler32", None),
    ],
)
def test_found(headers: dict[str, str], algorithm: Algorithm, value: str | None) -> None:
    assert found(headers, algorithm) == value


@pytest.mark.parametrize("value", ["", "084b021f00", "not it", "AAAAA==="])
def test_what_is_no_checksum(value: str) -> None:
    with pytest.raises(ProtocolError, match="is no adler32 checksum"):
        normalised(value, "adler32")


@given(st.binary(min_size=16, max_size=16))
def test_hex_and_base64_are_the_same(raw: bytes) -> None:
    assert normalised(raw.hex(), "md5") == normalised(base64.b64encode(raw).decode(), "md5")
    short = raw[:4]
    base = base64.b64encode(short).decode()
    assert normalised(base, "adler32") == normalised(short.hex(), "adler32") == short.hex()


def test_both_generations_of_headers_are_sent() -> None:
    assert wanted("adler32") == {"Want-Digest": "adler32", "Want-Repr-Digest": "adler=10"}
