"""curl commands that repeat a step by hand; secrets are left for the reader to put in."""

from __future__ import annotations

import os
import shlex

from lakecheck import credentials
from lakecheck.drivers.webdav_urls import parent, wire
from lakecheck.model import Credential

STEPS = {
    "stat": "-X PROPFIND -H 'Depth: 0'",
    "checksum": "-I -H 'Want-Digest: adler32'",
    "delete": "-X DELETE",
}


def command(step: str, url: str, other: str, credential: Credential, ca: str) -> str:
    """Give the curl command for a step."""
    target = shlex.quote(wire(url))
    common = f"curl -fsSL{_trust(ca)}{_identity(credential)}"
    if step == "upload":
        return f"{common} -T {shlex.quote(other)} {target}"
    if step == "download":
        return f"{common} -o {shlex.quote(other)} {target}"
    if step == "copy":
        source = shlex.quote(f"Source: {wire(other)}")
        tokens = ""
        if credential.kind != "none":
            tokens = " -H 'TransferHeaderAuthorization: Bearer <macaroon of the source>'"
        copy = f"{common} -X COPY -H {source} -H 'Credential: none'{tokens} {target}"
        # XRootD answers 400 to a COPY into a folder that is not there.
        folder = shlex.quote(wire(parent(url) or url))
        return f"{common.replace('-fsSL', '-sL')} -o /dev/null -X MKCOL {folder}; {copy}"
    return f"{common} {STEPS[step]} {target}"


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
