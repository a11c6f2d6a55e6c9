"""Bearer tokens: found, and told whether they can be used, as far as they tell it themselves."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from lakecheck.errors import BadCredential

LARGEST = 2**16  # bytes of a file that may hold a token
GET_ONE = "get one with oidc-token or htgettoken"


class Token(Struct, frozen=True):
    """A token, and what its payload says where it is a JWT (RFC 7519)."""

    text: str
    valid_until: datetime | None = None
    subject: str = ""
    issuer: str = ""


def read(path: str, now: datetime | None = None) -> Token:
    """Read a token's file; BadCredential says in a sentence why it cannot be used."""
    try:
        text = Path(path).read_text("ascii")[:LARGEST].strip()
    except FileNotFoundError:
        raise BadCredential(f"there is no token file {path}; {GET_ONE}") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds no text"
        raise BadCredential(f"the token file {path} cannot be read: {why}") from None
    if not text or len(text.split()) != 1:
        raise BadCredential(f"{path} holds no token, which is one word; {GET_ONE}")
    claims = _claims(text)
    ends = claims.get("exp")
    until = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int | float) else None
    if until is not None and until <= (now or datetime.now(UTC)):
        moment = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        raise BadCredential(f"the token in {path} has expired at {moment}; {GET_ONE}")
    return Token(text, until, str(claims.get("sub", "")), str(claims.get("iss", "")))


def _claims(text: str) -> dict[str, Any]:
    """Give the payload of a JWT; nothing where a token is none, and says nothing of itself."""
    parts = text.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
