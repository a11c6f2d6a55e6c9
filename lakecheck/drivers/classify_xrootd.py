"""What XRootD's statuses mean: the server's number (kXR_…, XProtocol.hh), then the text."""

from __future__ import annotations

from lakecheck.drivers.classify import NO_SPACE, build, end_of, first, rule, side_of
from lakecheck.drivers.copy_check import BY_ITSELF
from lakecheck.errors import (
    Corrupt,
    Denied,
    DriverError,
    Exists,
    Full,
    Missing,
    Overloaded,
    ProtocolError,
    TimedOut,
    TlsFailed,
    Unreachable,
    Unsupported,
)
from lakecheck.model import Credential

# The order matters: what a message says outright comes before what its code may mean.
RULES = (
    rule(Full, 3009, 3021, phase="transfer"),
    rule(Full, text=NO_SPACE, phase="transfer"),
    rule(Unsupported, text=r"not supported|does not support|no such checksum", phase="request"),
    rule(Unsupported, 3013, phase="request"),
    rule(Corrupt, 3019, phase="verify"),
    rule(Denied, text=r"is disallowed", phase="request"),
    rule(Denied, 3010, phase="request", credential=True),
    rule(Denied, 3030, phase="authenticate", credential=True),
    rule(
        Denied,
        text=r"auth failed|no protocols left|authentication failed",
        phase="authenticate",
        credential=True,
    ),
    rule(Denied, 3025, phase="request"),
    rule(Missing, 3011, 3015, phase="request"),
    rule(Missing, 3016, phase="request"),
    rule(Exists, 3018, phase="request"),
    rule(Overloaded, 3024, 3033, phase="request"),
    # kXR_FileLocked: another client is writing the file; later it can be had, so it does not
    # "exist" in the way of a name that stays taken.
    rule(Overloaded, 3003, phase="request"),
    rule(TimedOut, 3034, 3035, phase="request"),
    rule(TimedOut, text=r"operation expired|timed? ?out", phase="request"),
    rule(Unreachable, text=r"invalid address", side="network", phase="connect"),
    rule(TlsFailed, 3028, phase="tls"),
    rule(TlsFailed, text=r"\bTLS\b|certificate", phase="tls", credential=True),
    rule(Unreachable, text=r"connection error|connection refused|socket error", phase="connect"),
    rule(ProtocolError, text=r"disconnected|stream|invalid (message|response)", phase="request"),
    rule(ProtocolError, *range(3000, 3040), phase="request"),
)


def explain(
    code: int | None,
    text: str,
    url: str,
    credential: Credential,
    source: str = "",
    host: str | None = None,
) -> DriverError:
    """Give the error for a status; `host` is the machine behind a redirector that answered."""
    message = " ".join(text.split())
    found = first(RULES, code or 0, message.split(BY_ITSELF)[-1], "root")
    side = side_of(message) if source else None
    host = host or end_of(side, source, url)
    return build(found, message, credential, code=code, side=side, host=host)
