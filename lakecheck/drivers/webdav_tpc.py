"""What servers say of a third-party copy: performance markers, verdicts, failures."""

from __future__ import annotations

import re

import aiohttp

from lakecheck.drivers import classify
from lakecheck.drivers.webdav_urls import wire
from lakecheck.errors import (
    Corrupt,
    DriverError,
    Full,
    ProtocolError,
    Side,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import Credential

# Sentences of curl (XRootD, EOS, DPM), of dCache and of StoRM; the far end is the passive one.
FAILURES = (
    classify.rule(Unreachable, text=r"(couldn't|could not|failed to) connect|refused"),
    classify.rule(Unreachable, text=r"(couldn't|could not) resolve|unknown ?host", side="network"),
    classify.rule(TlsFailed, text=r"\bssl\b|\btls\b|certificate"),
    classify.rule(TimedOut, text=r"time(d)? ?out|too slow|stalled", side="transfer"),
    classify.rule(Full, text=classify.NO_SPACE, side="destination"),
    classify.rule(Corrupt, text=r"checksum", side="destination"),
    classify.rule(ProtocolError, side="transfer"),
)
_STATUS = re.compile(r"(?:status code:?|rejected (?:GET|PUT|HEAD):|HTTP(?:/[\d.]+)?) *(\d{3})")
# A server that could not open its own file answers 400 or 500, and says in words why.
_SPOKEN = {
    "no such file or directory": 404,
    "file exists": 412,
    "permission denied": 403,
    "is disallowed": 403,
}


async def verdict(content: aiohttp.StreamReader) -> str:
    """Read performance markers to the last line, and give it; empty where there is none."""
    last = ""
    async for raw in content:
        line = raw.decode("utf-8", "replace").strip()
        if line:
            last = line
    return last


def far_failure(text: str, far: str, credential: Credential, mode: str, side: Side) -> DriverError:
    """Give the error for a copy that the active server began and then called a failure.

    `far` is the URL of the passive end, `side` which end that is.
    """
    said = text.partition(":")[2].strip() or text
    status = _STATUS.search(said)
    if status:
        method = "GET" if mode == "pull" else "PUT"
        return classify.http(int(status[1]), said, wire(far), credential, method, side=side)
    found = classify.first(FAILURES, 0, said, "davs")
    host = classify.host_of(far)
    error = classify.build(found, f"copy failed: {said}", credential, code=None, host=host)
    error.side = found.side or side
    error.phase = "transfer"
    return error


def near_failure(
    status: int, text: str, hop: str, credential: Credential, side: Side
) -> DriverError:
    """Give the error for a copy that the active server did not begin."""
    meant = next((code for words, code in _SPOKEN.items() if words in text), status)
    error = classify.http(
        meant if status in (400, 500) else status, text, hop, credential, "COPY", side=side
    )
    error.code = status
    return error


def without(text: str, tokens: tuple[str, ...]) -> str:
    """Take our tokens out of what a server says."""
    for token in tokens:
        text = text.replace(token, "***")
    return text
