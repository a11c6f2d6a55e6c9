"""What a first spec says of services: the Rucio that was asked, the FTS of an FTS test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lakecheck.inventory.catalogue import scalars, top
from lakecheck.inventory.first_spec import Place, address, quoted
from lakecheck.inventory.reading import fetch
from lakecheck.inventory.rucio_settings import PASSWORD, TOKEN, Settings
from lakecheck.model import Credential

CHECKSUMS = ("both", "source", "target", "none")
FTS = (
    "  # The FTS that shall copy: write its address here, or export FTS_URL.",
    '  fts: {kind: fts, url: "${FTS_URL}", credential: %s}',
)
FTS_COPIES = """\
  # Copies by FTS, as they were tested so far: each storage to each other over one protocol.
  copies:
    kind: tpc
    via: fts
    every: 30m
    mesh: full
    sizes: [{sizes}]
    files: {files}
    jobs: {jobs}
    checksum: {checksum}
    overwrite: {overwrite}
{metadata}    timeout: 1h
{{use}}
"""


def of_rucio(path: Path, settings: Settings) -> Place:
    """Describe a first spec over a Rucio server."""
    credential = settings.credential
    told = {"auth": settings.auth, "account": settings.account, "vo": settings.vo}
    told |= {"credential": credential.name, "ca": settings.ca}
    if told["auth"] == settings.url:
        told["auth"] = ""
    more = "".join(f", {key}: {quoted(value)}" for key, value in told.items() if value)
    return Place(
        path=path,
        source="rucio",
        origin="{service: rucio}",
        lock="rucio.lock.json",
        credentials=(_entry(credential),),
        services=tuple(_folded(f"kind: rucio, url: {quoted(settings.url)}{more}")),
    )


def _folded(keys: str) -> list[str]:
    """Write a service on one line, or a line for each key where that would be long."""
    line = f"  rucio: {{{keys}}}"
    if len(line) <= 100:
        return [line]
    return ["  rucio:", *(f"    {each}" for each in keys.split(", "))]


def _entry(credential: Credential) -> str:
    """Write a credential without its secret."""
    if credential.kind == "userpass":
        user = quoted(credential.username)
        return f'  user: {{userpass: {{username: {user}, password: "${{{PASSWORD}}}"}}}}'
    if credential.kind == "token":
        return f'  token: {{token: {{file: "${{{TOKEN}}}"}}}}'
    proxy = quoted(credential.proxy or "${X509_USER_PROXY}")
    return f"  robot: {{x509: {{proxy: {proxy}}}}}"


def of_fts(path: Path, located: str, seen: str, proxy: bool) -> Place:
    """Describe a first spec over the configuration of an FTS test."""
    found = top(fetch(located))
    sizes = [f"{each}MiB" for each in _numbers(found.get("filesizes"))] or ["1MiB"]
    checksum = found.get("checksum")
    copies = FTS_COPIES.format(
        sizes=", ".join(dict.fromkeys(sizes)),
        files=next(iter(_numbers(found.get("num_of_files"))), 1),
        jobs=next(iter(_numbers(found.get("num_of_jobs"))), 1),
        checksum=checksum if checksum in CHECKSUMS else "both",
        overwrite="true" if found.get("overwrite") is True else "false",
        metadata=_metadata(found.get("metadata")),
    )
    head, entry = FTS
    return Place(
        path=path,
        source="fts_config",
        origin=address("fts_config", seen),
        lock="fts_config.lock.json",
        services=(head, entry % ("robot" if proxy else "none")),
        copies=copies,
    )


def _numbers(told: Any) -> list[int]:
    several = told if isinstance(told, list) else [told]
    return [each for each in several if type(each) is int and each > 0]


def _metadata(told: Any) -> str:
    known = scalars(told)
    # Braces are written twice, since the text is a template still.
    written = json.dumps(known, ensure_ascii=False).replace("{", "{{").replace("}", "}}")
    return f"    metadata: {written}\n" if known and len(written) < 80 else ""
