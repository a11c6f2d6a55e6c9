"""One place where foreign errors become ours: code, message and protocol give one class.

What a library or protocol reports alike is not told apart by guessing: a rule only uses what
was really said, and the raw text stays in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus
from urllib.parse import urlsplit

from msgspec import Struct

from lakecheck.credentials import check
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
    Side,
    TimedOut,
    Unclassified,
    Unsupported,
)
from lakecheck.model import Credential


class Rule(Struct, frozen=True, dict=True):
    """If code, text and protocol fit, the error is of this class.

    Empty `codes` or `protocols` fit all; `text` is a regular expression, case ignored. With
    `credential`, our own credential may be the reason, so it is looked at before anyone is blamed.
    """

    error: type[DriverError]
    codes: frozenset[int] = frozenset()
    text: str = ""
    protocols: frozenset[str] = frozenset()
    side: Side | None = None
    phase: str | None = None
    credential: bool = False

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.text, re.IGNORECASE)

    def fits(self, code: int, message: str, protocol: str) -> bool:
        """Whether an error with this code and message on this protocol is meant."""
        return (
            (not self.codes or code in self.codes)
            and (not self.protocols or protocol in self.protocols)
            and bool(self._pattern.search(message))
        )


def rule(
    error: type[DriverError],
    *codes: int,
    text: str = "",
    on: str = "",
    side: Side | None = None,
    phase: str | None = None,
    credential: bool = False,
) -> Rule:
    """Write a rule shortly; `on` names its protocols, separated by blanks."""
    return Rule(error, frozenset(codes), text, frozenset(on.split()), side, phase, credential)


def first(rules: Iterable[Rule], code: int, message: str, protocol: str) -> Rule:
    """Give the first rule that fits, or one that says that none does."""
    for candidate in rules:
        if candidate.fits(code, message, protocol):
            return candidate
    return Rule(Unclassified)


def host_of(url: str) -> str | None:
    """`host:port` of a URL, as errors name machines."""
    return urlsplit(url).netloc.rpartition("@")[2] or None


_NAMED_SIDES: tuple[tuple[Side, str], ...] = (
    ("source", r"\(source\)|\bSOURCE\b"),
    ("destination", r"\(destination\)|\bDESTINATION\b"),
)


def side_of(message: str) -> Side:
    """Tell which end of a copy a message blames; the transfer where it names none."""
    pushed = "3rd push" in message
    if "Remote side failed" in message:
        # The active end reports about the other one: the source of a pull.
        return "destination" if pushed else "source"
    if "interacting with local filesystem" in message:
        return "source" if pushed else "destination"
    for side, pattern in _NAMED_SIDES:
        if re.search(pattern, message):
            return side
    return "transfer"


def end_of(side: Side | None, source: str, destination: str) -> str | None:
    """`host:port` of the end that is blamed; none where it is the transfer between them."""
    if side == "transfer":
        return None
    return host_of(source if side == "source" else destination)


def own_fault(error: type[DriverError], credential: Credential) -> str:
    """Say what is wrong with our credential where that explains the error; empty if nothing is.

    A refusal of nobody is our own fault, and so is whatever befalls a proxy that is not sound.
    """
    if credential.kind == "none":
        return "no credential was shown" if error is Denied else ""
    try:
        check(credential)
    except BadCredential as bad:
        return bad.message
    return ""


def build(
    found: Rule,
    message: str,
    credential: Credential,
    *,
    code: int | None,
    side: Side | None = None,
    host: str | None = None,
) -> DriverError:
    """Make the error that a rule stands for; where it says so, the credential is looked at."""
    kind = found.error
    if found.credential and (reason := own_fault(kind, credential)):
        # A service may have passed on these words of ours.
        told = message if reason in message else f"{message} ({reason})"
        kind, message = BadCredential, told
    if kind is BadCredential:
        side = "tester"
    return kind(message, code=code, side=found.side or side, phase=found.phase, host=host)


def tls_trouble(said: str) -> str:
    """Say what an error of OpenSSL's means for somebody who asks a service, with the way out."""
    if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER" in said:
        return f"this port speaks no TLS; write http:// or another port ({said})"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return f"its certificate is not trusted; name its CA with ca: in services ({said})"
    return f"TLS failed: {said}"


NO_SPACE = r"no space left|disk quota exceeded|quota|insufficient (storage|space)|out of space"

HTTP_RULES = (
    rule(Full, 507, phase="transfer"),
    rule(Full, text=NO_SPACE, phase="transfer"),
    rule(Corrupt, text=r"checksum.*(mismatch|differ|not match)", phase="verify"),
    rule(
        Overloaded,
        text=r"too many (requests|connections|open)|queue.*full|timed? ?out.*queue|busy",
    ),
    rule(Denied, 401, 407, phase="authenticate", credential=True),
    rule(Denied, 403, phase="request", credential=True),
    rule(Missing, 404, 410, phase="request"),
    rule(Exists, 409, text=r"exist", phase="request"),
    rule(Exists, 412, phase="request"),
    rule(TimedOut, 408, 504, phase="request"),
    rule(Overloaded, 429, 503, phase="request"),
    rule(Unsupported, 405, 501, phase="request"),
    rule(ProtocolError, phase="request"),
)
PARENT_MISSING = frozenset({"PUT", "MKCOL", "COPY", "MOVE"})  # RFC 4918: 409, no parent folder


def http(
    status: int,
    text: str,
    url: str,
    credential: Credential,
    method: str = "GET",
    *,
    side: Side | None = None,
) -> DriverError:
    """Give the error for an HTTP answer that is no success.

    `text` is the body or reason, `url` the one that really answered (after redirects), `side`
    the end of a link that it is.
    """
    if method == "MKCOL" and status == 405:
        found = rule(Exists, phase="request")
    elif status == 409 and method in PARENT_MISSING and "exist" not in text.lower():
        found = rule(Missing, phase="request")
    else:
        found = first(HTTP_RULES, status, text, "https")
    said = " ".join(text.split())[:2000]
    message = f"{method} answered HTTP {status} {_reason(status)}".rstrip()
    if said and said.lower() != _reason(status).lower():
        message = f"{message}: {said}"
    return build(found, message, credential, code=status, side=side, host=host_of(url))


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
