"""What a sink needs for TLS: whom it trusts, and who it is."""

from __future__ import annotations

import ssl
from pathlib import Path

from lakecheck.credentials.trust import trusting
from lakecheck.sinks.base import SinkTrouble


def context(ca: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Trust a file or folder of authorities, else the machine's; raises SinkTrouble."""
    try:
        made = trusting(ca)
    except OSError as error:
        raise SinkTrouble(f"ca: {ca} cannot be used: {_why(error)}", lasting=True) from error
    if certificate:
        try:
            own = Path(certificate).expanduser()
            made.load_cert_chain(own, Path(key).expanduser() if key else None)
        except OSError as error:
            told = f"certificate: {certificate} cannot be used with its key: {_why(error)}"
            raise SinkTrouble(told, lasting=True) from error
    return made


def _why(error: OSError) -> str:
    return error.strerror or str(error)
