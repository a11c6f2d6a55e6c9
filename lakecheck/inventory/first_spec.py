"""A first complete spec over a catalogue, with comments that a newcomer can go on from."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lakecheck.inventory.catalogue import Catalogue

TEMPLATE = """\
# What is tested, and how often. Next steps:
#   lakecheck inventory show {path}    the storages, as the catalogue has them
#   lakecheck plan {path}              what would run
#   lakecheck run {path}               runs it; see reports/latest/report.html
# The whole language: docs/spec-language.md, and `lakecheck schema` for editors.
lakecheck: 1

inventory:
  # {count}.
  # Each run reads the catalogue again, and plans from its copy beside this file.
  # Keep {lock} in git, and `git diff` shows what changed at the source.
  {source}: {{{key}: {address}}}
  # rses:                       # what the catalogue says wrong or not at all, by RSE
  #   {first}: {{attributes: {{quota: low}}, checksum: none}}
  # except: [OLD-*]             # RSEs to leave out

{credentials}

tests:
  # Upload, stat, checksum, download and delete of a few bytes, on every endpoint of every RSE.
  storage:
    kind: functional
    every: 15m
    sizes: [100B]
    timeout: 60s
{use}
{copies}
"""
COPIES = """\
  # Copies between the storages themselves, each to the next; `mesh: full` is all pairs.
  copies:
    kind: tpc
    every: 1h
    mesh: ring
    sizes: [1MB]
    timeout: 5m
{use}
# publish:                      # where results go; docs/publishing.md has all the sinks
#   - opensearch: {{url: https://search.example.org, index: lakecheck-results}}"""
CREDENTIALS = """\
credentials:
  robot: {{x509: {{proxy: {proxy}}}}}"""
NO_CREDENTIALS = """\
# Without a credential the tests run as nobody, which most storages refuse. With a proxy, as
# voms-proxy-init makes them, take the # off here and from `credentials: [robot]` below.
# credentials:
#   robot: {x509: {proxy: "${X509_USER_PROXY}"}}"""


class Place(Struct, frozen=True):
    """Where the spec will be, and which catalogue it names."""

    path: Path
    source: str
    address: str  # as the spec's folder sees it
    lock: str


def text(place: Place, found: Catalogue, variables: Mapping[str, str]) -> str:
    """Give the spec's text."""
    proxy = _proxy(variables)
    use = "    credentials: [robot]" if proxy else "    # credentials: [robot]"
    several = len(found.rses) > 1
    count = f"{len(found.rses)} RSE{'s' if several else ''} can be tested"
    if found.ignored:
        count += "; `lakecheck inventory show` tells what cannot be, and why"
    copies = COPIES.format(use=f"{use}\n")
    if not several:  # one storage has none to copy to
        copies = "\n".join(
            line if line.startswith("#") or not line else f"  # {line[2:]}"
            for line in copies.splitlines()
        )
    return TEMPLATE.format(
        path=shlex.quote(str(place.path)),
        count=count,
        lock=place.lock,
        source=place.source,
        key="export" if place.source == "rucio" else "url",
        address=json.dumps(place.address, ensure_ascii=False),
        first=next(iter(found.rses)),
        credentials=CREDENTIALS.format(proxy=json.dumps(proxy)) if proxy else NO_CREDENTIALS,
        use=f"{use}\n",
        copies=copies,
    )


def _proxy(variables: Mapping[str, str]) -> str:
    """Give where a proxy is now, as the grid's tools look for it; empty if there is none."""
    if variables.get("X509_USER_PROXY"):
        return "${X509_USER_PROXY}"
    usual = f"/tmp/x509up_u{os.getuid()}"
    return usual if os.path.exists(usual) else ""
