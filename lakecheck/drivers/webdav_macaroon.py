"""Macaroons: tokens for one file and a few minutes, which let one storage speak to another."""

from __future__ import annotations

import math

import msgspec

from lakecheck.drivers.webdav_client import Client
from lakecheck.drivers.webdav_urls import encrypted, wire

READ = "DOWNLOAD,LIST"
WRITE = "UPLOAD,MANAGE,DELETE"
SPARE = 5  # minutes beyond the time that a copy may take


class _Minted(msgspec.Struct):
    macaroon: str


async def mint(client: Client, url: str, activity: str) -> str | None:
    """Ask a storage for a macaroon; None where it gives none, or we have nothing to show."""
    if client.credential.kind == "none" or not encrypted(wire(url)):
        return None
    minutes = math.ceil(client.timeout / 60) + SPARE
    wanted = {"caveats": [f"activity:{activity}"], "validity": f"PT{minutes}M"}
    body = msgspec.json.encode(wanted)
    headers = {"Content-Type": "application/macaroon-request"}
    answer = await client.ask("POST", url, headers, lambda hop: body)
    if answer.status != 200:
        return None
    try:
        return msgspec.json.decode(answer.body, type=_Minted).macaroon
    except msgspec.DecodeError:  # Apache answers a POST with the file
        return None
