"""curl commands that repeat a step by hand; secrets are left for the reader to put in."""

from __future__ import annotations

import os
import shlex

from lakecheck import credentials
from lakecheck.drivers.webdav_urls import parent, wire
from lakecheck.model import Algorithm, Credential, Mode


def command(
    step: str,
    url: str,
    other: str,
    credential: Credential,
    ca: str,
    mode: Mode,
    algorithm: Algorithm,
) -> str:
    """Give the curl command for a step."""
    target = shlex.quote(wire(url))
    common = f"curl -fsSL{_trust(ca)}{_identity(credential)}"
    if step == "copy":
        # XRootD answers 400 to a COPY into a folder that is not there.
        folder = shlex.quote(wire(parent(url) or url))
        make = f"{common.replace('-fsSL', '-sL')} -o /dev/null -X MKCOL {folder}"
        return f"{make}; {common} {_copy(url, other, credential, mode)}"
    options = {
        "upload": f"-T {shlex.quote(other)}",
        "download": f"-o {shlex.quote(other)}",
        "stat": "-X PROPFIND -H 'Depth: 0'",
        "checksum": f"-I -H 'Want-Digest: {algorithm}'",
        "delete": "-X DELETE",
    }
    return f"{common} {options[step]} {target}"


def _copy(url: str, source: str, credential: Credential, mode: Mode) -> str:
    """Ask the active end, which of a push is the source, and name the other one to it."""
    near, far, name = (url, source, "Source") if mode == "pull" else (source, url, "Destination")
    headers = [f"{name}: {wire(far)}", "Overwrite: F", "Credential: none"]
    if credential.kind != "none":
        headers.append(f"TransferHeaderAuthorization: Bearer <macaroon of the {name.lower()}>")
    words = " ".join(f"-H {shlex.quote(header)}" for header in headers)
    return f"-X COPY {words} {shlex.quote(wire(near))}"


def _trust(ca: str) -> str:
    if not ca:
        return ""
    option = "--capath" if os.path.isdir(ca) else "--cacert"
    return f" {option} {shlex.quote(ca)}"


def _identity(credential: Credential) -> str:
    if credential.kind == "none":
        return ""
    proxy = shlex.quote(credentials.place(credential))
    return f" --cert {proxy} --key {proxy}"
