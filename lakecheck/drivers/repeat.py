"""Shell commands that repeat a step by hand with the tools of the grid."""

from __future__ import annotations

import os
import shlex
from urllib.parse import urlsplit

from lakecheck.credentials import place
from lakecheck.errors import UsageError
from lakecheck.model import Algorithm, Credential, Mode

PYTHON = "/usr/bin/python3"  # the system's own: no virtual environment has gfal2's scripts


def gfal2_command(
    step: str, url: str, other: str, credential: Credential, mode: Mode, algorithm: Algorithm
) -> str:
    """Write a step as gfal-copy, gfal-stat, gfal-sum or gfal-rm."""
    commands = {
        "upload": ["gfal-copy", "-p", _file(other), url],
        "stat": ["gfal-stat", url],
        "checksum": ["gfal-sum", url, algorithm.upper()],
        "download": ["gfal-copy", "-f", url, _file(other)],
        "delete": ["gfal-rm", url],
        "copy": ["gfal-copy", "-p", "--copy-mode", mode, other, url],
    }
    dummy = step == "copy" and credential.kind == "none" and url.startswith(("davs:", "https:"))
    # XRootD answers 400 to a COPY without any token, even where it needs none.
    return ("BEARER_TOKEN=none " if dummy else "") + _shell(commands, step)


def gfal2_environment(credential: Credential, ca: str) -> dict[str, str]:
    """Environment variables that gfal's scripts need."""
    # They run in the first `python` of the PATH, which in a virtual environment lacks gfal2.
    return _trust(credential, ca) | {"GFAL_PYTHONBIN": PYTHON}


def xrootd_command(step: str, url: str, other: str, algorithm: Algorithm) -> str:
    """Write a step as xrdcp or xrdfs; over root:// the destination of a copy always pulls."""
    parts = urlsplit(url)
    server, path = f"{parts.scheme}://{parts.netloc}", "/" + parts.path.lstrip("/")
    commands = {
        "upload": ["xrdcp", "--path", other, url],
        "stat": ["xrdfs", server, "stat", path],
        "checksum": ["xrdfs", server, "query", "checksum", f"{path}?cks.type={algorithm}"],
        "download": ["xrdcp", "-f", url, other],
        "delete": ["xrdfs", server, "rm", path],
        "copy": ["xrdcp", "--path", "--tpc", "only", other, url],
    }
    return _shell(commands, step)


def xrootd_environment(step: str, credential: Credential, ca: str) -> dict[str, str]:
    """Environment variables that XRootD's tools need; a copy hands the proxy to the storage."""
    delegates = step == "copy" and credential.kind == "x509"
    return _trust(credential, ca) | ({"XrdSecGSIDELEGPROXY": "1"} if delegates else {})


def _file(path: str) -> str:
    return f"file://{os.path.abspath(path)}"


def _shell(commands: dict[str, list[str]], step: str) -> str:
    if step not in commands:
        raise UsageError(f'"{step}" cannot be repeated by hand; known: {", ".join(commands)}')
    return shlex.join(commands[step])


def _trust(credential: Credential, ca: str) -> dict[str, str]:
    settings = {}
    if credential.kind == "x509":
        settings["X509_USER_PROXY"] = place(credential)
    if ca and os.path.isdir(ca):
        settings |= {"X509_CERT_DIR": ca, "SSL_CERT_DIR": ca}
    elif ca:
        settings |= {"X509_CERT_FILE": ca, "SSL_CERT_FILE": ca}
    return settings
