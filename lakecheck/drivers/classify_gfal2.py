"""What gfal2's GErrors mean, by code, message and protocol."""

from __future__ import annotations

import re

from lakecheck.drivers.classify import (
    HTTP_RULES,
    NO_SPACE,
    Rule,
    build,
    end_of,
    first,
    rule,
    side_of,
)
from lakecheck.drivers.copy_check import BY_ITSELF
from lakecheck.errors import (
    BadCredential,
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

XROOT = "root roots xroot xroots"
HTTP = "davs https dav http"

# The order matters: what a message says outright comes before what its code may mean.
RULES = (
    rule(BadCredential, text=r"the user (certificate|credential)", phase="authenticate"),
    rule(Full, 28, 122, phase="transfer"),
    rule(Full, text=NO_SPACE, phase="transfer"),
    rule(Corrupt, text=r"checksum.*(mismatch|differ|not match)", phase="verify"),
    rule(Denied, text=r"is disallowed|path not allowed", phase="request"),
    # The server's word about us comes as an FTP answer or a TLS alert, ours about it does not.
    rule(
        Denied,
        text=r"responded with an error 530|alert (certificate|bad cert|unknown ca)",
        phase="authenticate",
        credential=True,
    ),
    rule(TlsFailed, text=r"issuer is not trusted|certificate verif", phase="tls"),
    rule(TlsFailed, text=r"different hostname|\bTLS error", phase="tls"),
    rule(TlsFailed, text=r"gss_init_sec_context failed", phase="tls", credential=True),
    rule(
        Unreachable,
        text=r"name resolution|invalid address|getaddrinfo|name or service not known",
        side="network",
        phase="connect",
    ),
    rule(Unreachable, 101, 113, side="network", phase="connect"),
    rule(
        Unreachable,
        text=r"could(n't| not) connect|unable to connect|connection refused|connection error",
        phase="connect",
    ),
    rule(Unreachable, 111, phase="connect"),
    rule(TimedOut, 110, 116, phase="request"),
    rule(TimedOut, text=r"timed out|time-?out|operation expired", phase="request"),
    rule(Denied, 52, on=XROOT, phase="authenticate", credential=True),
    rule(Denied, 1, 13, phase="request", credential=True),
    rule(Exists, 17, phase="request"),
    rule(Missing, text=r"not a (directory|collection)", phase="request"),
    rule(Missing, 2, 20, 21, phase="request"),
    rule(Unsupported, text=r"checksum \(bad address\)", on=XROOT, phase="request"),
    rule(Unsupported, 38, 93, 95, phase="request"),
    rule(Overloaded, 11, 16, phase="request"),
    # kXR_FileLocked: another client is writing the file; later it can be had, so it does not
    # "exist" in the way of a name that stays taken.
    rule(Overloaded, 35, on=XROOT, phase="request"),
    rule(Overloaded, text=r"too many|overload|busy", phase="request"),
    # A server that does not like a client certificate may just hang up.
    rule(ProtocolError, text=r"reset by peer", phase="connect", credential=True),
    rule(ProtocolError, text=r"broken pipe|end-of-file|\beof\b|closed by", phase="request"),
    rule(ProtocolError, text=r"responded with an error [45]", phase="request"),
    # Asked to delete a folder that is not empty, XRootD says "no such device".
    rule(ProtocolError, 5, 19, 39, 71, phase="request"),
)

_STATUS = re.compile(r"(?:HTTP|status code) ([1-5]\d\d)\b")


def explain(
    code: int | None,
    text: str,
    url: str,
    credential: Credential,
    source: str = "",
    host: str | None = None,
) -> DriverError:
    """Give the error for a GError; for copies `url` is the destination and `source` is set."""
    message = " ".join(text.replace("\\x00", " ").split())
    found = _rule(code or 0, message.split(BY_ITSELF)[-1], url.partition(":")[0])
    side = side_of(message) if source else None
    host = host or end_of(side, source, url)
    return build(found, message, credential, code=code, side=side, host=host)


def _rule(code: int, message: str, protocol: str) -> Rule:
    """Find the rule; an HTTP status in the message says more than gfal2's code for it.

    (A plain upload that is refused has code 17, "file exists", and HTTP 403 in its text.)
    """
    statuses = _STATUS.findall(message)
    if statuses and protocol in HTTP.split():
        return first(HTTP_RULES, int(statuses[-1]), message, protocol)
    return first(RULES, code, message, protocol)
