"""Checksums in HTTP headers: RFC 3230 (`Digest`) and RFC 9530 (`Repr-Digest`), as hex digits."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from lakecheck.errors import ProtocolError
from lakecheck.model import Algorithm

HEX_DIGITS: dict[Algorithm, int] = {"adler32": 8, "md5": 32}
NAMES: dict[Algorithm, tuple[str, ...]] = {"adler32": ("adler32", "adler"), "md5": ("md5",)}
HEADERS = ("Digest", "Repr-Digest", "Content-Digest")
_HEX = re.compile(r"[0-9a-fA-F]+")


def wanted(algorithm: Algorithm) -> dict[str, str]:
    """Headers that ask for a checksum, in the old and the new way."""
    return {"Want-Digest": algorithm, "Want-Repr-Digest": f"{NAMES[algorithm][-1]}=10"}


def found(headers: Mapping[str, str], algorithm: Algorithm) -> str | None:
    """Give the checksum that an answer's headers tell, as hex digits; None where they do not."""
    for header in HEADERS:
        for item in headers.get(header, "").split(","):
            name, equals, value = item.strip().partition("=")
            if equals and name.lower() in NAMES[algorithm]:
                return normalised(value, algorithm)
    return None


def normalised(value: str, algorithm: Algorithm) -> str:
    """Give hex digits, lower case, of hex digits or Base64; ProtocolError where it is neither."""
    digits = HEX_DIGITS[algorithm]
    text = value.strip().strip(':"')
    if _HEX.fullmatch(text) and (len(text) == digits or len(text) < digits == 8):
        return text.lower().zfill(digits)  # some storages drop leading zeros of adler32
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) * 2 != digits:
        raise ProtocolError(f'"{value}" is no {algorithm} checksum', phase="verify")
    return raw.hex()
