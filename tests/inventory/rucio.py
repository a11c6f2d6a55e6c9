"""Specs over a real Rucio."""

from __future__ import annotations

from pathlib import Path

from lakecheck.devlake import Lake

SPEC = """\
lakecheck: 1
inventory:
  {inventory}
credentials:
  root: {{userpass: {{username: root, password: "${{RUCIO_PASSWORD}}"}}}}
  lake: {{userpass: {{username: lake, password: "${{LAKE_PASSWORD}}"}}}}
services:
  rucio: {{kind: rucio, url: "${{RUCIO_SERVER}}", credential: {credential}, account: {credential}}}
{more}
"""


def variables(lake: Lake) -> dict[str, str]:
    """Environment that such specs need."""
    told = lake.services["rucio"]
    return {
        "RUCIO_SERVER": told["url"],
        "RUCIO_PASSWORD": told["root"]["password"],
        "LAKE_PASSWORD": told["password"],
    }


def write(
    path: Path,
    inventory: str = "rucio: {service: rucio}",
    credential: str = "root",
    more: str = "",
) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(SPEC.format(inventory=inventory, credential=credential, more=more))
    return path
