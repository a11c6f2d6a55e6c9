"""Which environment a worker process needs to act as one credential."""

from __future__ import annotations

import math
import os

from lakecheck.credentials import place
from lakecheck.drivers.pool import Identity
from lakecheck.model import Credential

NOWHERE = "/dev/null/no-proxy"  # named, so that libraries do not look in their usual places
OTHER_WAYS = ("X509_USER_CERT", "X509_USER_KEY", "BEARER_TOKEN", "BEARER_TOKEN_FILE")


def identity(
    credential: Credential,
    timeout: float,
    authorities: tuple[tuple[str, str], ...],
    *,
    delegates: bool = False,
) -> Identity:
    """Describe the worker processes for a credential, a time limit in seconds, and trusted CAs.

    With `delegates` they hand the proxy to the storage, as third-party copies over root:// need.
    """
    proxy = place(credential) if credential.kind == "x509" else NOWHERE
    settings = [
        ("X509_USER_PROXY", proxy),
        *((name, "") for name in OTHER_WAYS),
        # Not for all calls: the server makes a key for each login, which takes half a second.
        ("XrdSecGSIDELEGPROXY", "1" if delegates and credential.kind == "x509" else ""),
        ("LC_ALL", "C"),  # messages in English, whatever the user speaks
        *_limits(timeout),
        *authorities,
    ]
    return Identity(credential.name, _generation(proxy), tuple(settings))


def _generation(proxy: str) -> str:
    """Tell one proxy from the one that replaced it at the same place."""
    try:
        status = os.stat(proxy)
    except OSError:
        return ""
    return f"{status.st_ino}-{status.st_mtime_ns}"


def _limits(timeout: float) -> list[tuple[str, str]]:
    """Bound the waits of libraries; the run itself kills what is longer than the limit.

    XRootD's client would otherwise try a dead port for minutes, and remember a failure for half
    an hour, which a worker that lives long must not.
    """
    whole = max(1, math.ceil(timeout))
    return [
        ("XRD_CONNECTIONWINDOW", str(min(whole, 30))),
        ("XRD_CONNECTIONRETRY", "1"),
        ("XRD_REQUESTTIMEOUT", str(whole)),
        ("XRD_STREAMTIMEOUT", str(whole)),
        ("XRD_STREAMERRORWINDOW", "0"),
        ("XRD_TIMEOUTRESOLUTION", "1"),
        ("LAKECHECK_TIMEOUT", str(whole)),
    ]
