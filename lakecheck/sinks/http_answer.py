"""What a server's answer to a batch means."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.halving import Refused

WORDS = 4096  # bytes of an answer that are read
SHOWN = 300  # characters of them that are told
LONGEST_WAIT = 3600.0  # s that a server may ask for


def judge(where: str, status: int, headers: Mapping[str, str], words: str) -> None:
    """Return where all is taken; else raise SinkTrouble, or Refused for what is in the batch."""
    if 200 <= status < 300:
        return
    said = _said(words)
    if 300 <= status < 400:
        to = headers.get("Location", "elsewhere")
        told = f"{where} sends us to {to} (HTTP {status}), where credentials shall not go"
        raise SinkTrouble(f"{told}; if that is right, write it as url", lasting=True)
    if status in (400, 413, 422):
        raise Refused(f"{where} does not take it: HTTP {status}{said}")
    if status in (401, 403):
        raise SinkTrouble(f"{where} does not let us in: HTTP {status}{said}", lasting=True)
    if status in (408, 425, 429) or status >= 500:
        after = _after(headers.get("Retry-After", ""))
        raise SinkTrouble(f"{where} cannot take it now: HTTP {status}{said}", after=after)
    raise SinkTrouble(f"{where}: HTTP {status}{said}", lasting=True)


def unanswered(where: str, error: HTTPError, within: float) -> SinkTrouble:
    """Say why there was no answer."""
    if isinstance(error, SSLError):
        said = str(error)
        untrusted = "certificate" in said.lower()
        hint = '; "ca" names whom to trust' if untrusted else ""
        return SinkTrouble(f"{where}: no TLS: {said}{hint}", lasting=untrusted)
    if isinstance(error, NameResolutionError):
        return SinkTrouble(f"{where}: the name is not known")
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError) and not isinstance(
        error, NewConnectionError
    ):
        return SinkTrouble(f"{where} has not answered within {within:g} s")
    cause = error.__cause__ or error.__context__
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(error)
    return SinkTrouble(f"{where} does not answer: {reason}")


def _said(words: str) -> str:
    text = " ".join(words.split())
    if not text or text.startswith("<"):  # a page for people tells programs nothing
        return ""
    return f": {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}"


def _after(text: str) -> float:
    """Read Retry-After, which gives seconds or a date (RFC 9110, 10.2.3)."""
    if text.strip().isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return min(max(0.0, moment.timestamp() - time.time()), LONGEST_WAIT)
    except ValueError:
        return 0.0
