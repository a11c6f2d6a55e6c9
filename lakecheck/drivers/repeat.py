"""Shell commands that repeat a step by hand with the tools of the grid."""

from __future__ import annotations

import os
import shlex
from urllib.parse import urlsplit

from lakecheck.credentials import place
from lakecheck.errors import UsageError
from lakecheck.model import Credential


def gfal2_command(step: str, url: str, other: str, credential: Credential, ca: str) -> str:
    """Write a step as gfal-copy, gfal-stat, gfal-sum or gfal-rm."""
    commands = {
        "upload": ["gfal-copy", "-p", _file(other), url],
        "stat": ["gfal-stat", url],
        "checksum": ["gfal-sum", url, "ADLER32"],
        "download": ["gfal-copy", "-f", url, _file(other)],
        "delete": ["gfal-rm", url],
        "copy": ["gfal-copy", "-p", "--copy-mode", "pull", other, url],
    }
    dummy = step == "copy" and credential.kind == "none" and url.startswith(("davs:", "https:"))
    # XRootD answers 400 to a COPY without any token, even where it needs none.
    return ("BEARER_TOKEN=none " if dummy else "") + _shell(commands, step, credential, ca)


def xrootd_command(step: str, url: str, other: str, credential: Credential, ca: str) -> str:
    """Write a step as xrdcp or xrdfs."""
    parts = urlsplit(url)
    server, path = f"{parts.scheme}://{parts.netloc}", "/" + parts.path.lstrip("/")
    commands = {
        "upload": ["xrdcp", "--path", other, url],
        "stat": ["xrdfs", server, "stat", path],
        "checksum": ["xrdfs", server, "query", "checksum", f"{path}?cks.type=adler32"],
        "download": ["xrdcp", "-f", url, other],
        "delete": ["xrdfs", server, "rm", path],
        "copy": ["xrdcp", "--path", "--tpc", "only", other, url],
    }
    return _shell(commands, step, credential, ca)


def _file(path: str) -> str:
    return f"file://{os.path.abspath(path)}"


def _shell(commands: dict[str, list[str]], step: str, credential: Credential, ca: str) -> str:
    if step not in commands:
        raise UsageError(f'"{step}" cannot be repeated by hand; known: {", ".join(commands)}')
    return " ".join([*_environment(credential, ca), shlex.join(commands[step])])


def _environment(credential: Credential, ca: str) -> list[str]:
    settings = {}
    if credential.kind == "x509":
        settings["X509_USER_PROXY"] = place(credential)
    if ca and os.path.isdir(ca):
        settings |= {"X509_CERT_DIR": ca, "SSL_CERT_DIR": ca}
    elif ca:
        settings |= {"X509_CERT_FILE": ca, "SSL_CERT_FILE": ca}
    return [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
