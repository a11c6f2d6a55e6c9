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
  {source}: {origin}
  # rses:                       # what the catalogue says wrong or not at all, by RSE
  #   {first}: {{attributes: {{quota: low}}, checksum: none}}
  # except: [OLD-*]             # RSEs to leave out

{credentials}
{services}
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
"""
PUBLISH = """\
# publish:                      # where results go; docs/publishing.md has all the sinks
#   - opensearch: {url: https://search.example.org, index: lakecheck-results}"""
CREDENTIALS = """\
credentials:
  robot: {{x509: {{proxy: {proxy}}}}}"""
NO_CREDENTIALS = """\
# Without a credential the tests run as nobody, which most storages refuse. With a proxy, as
# voms-proxy-init makes them, take the # off here and from `credentials: [robot]` below.
# credentials:
#   robot: {x509: {proxy: "${X509_USER_PROXY}"}}"""


class Place(Struct, frozen=True):
    """Where the spec will be, and what it says besides its RSEs; each a part of its text."""

    path: Path
    source: str
    origin: str  # what `inventory` says of the catalogue, such as {url: …}
    lock: str
    credentials: tuple[str, ...] = ()  # entries that services need
    services: tuple[str, ...] = ()  # entries, with their comments
    copies: str = COPIES


def address(source: str, seen: str) -> str:
    """Say where a catalogue is that is no server; `seen` is its URL, or its path from the spec."""
    key = "export" if source == "rucio" else "url"
    return f"{{{key}: {quoted(seen)}}}"


def quoted(text: str) -> str:
    """Write a text as YAML takes it everywhere."""
    return json.dumps(text, ensure_ascii=False)


def text(place: Place, found: Catalogue, variables: Mapping[str, str]) -> str:
    """Give the spec's text."""
    proxy = _proxy(variables)
    use = "    credentials: [robot]" if proxy else "    # credentials: [robot]"
    several = len(found.rses) > 1
    count = f"{len(found.rses)} RSE{'s' if several else ''} can be tested"
    if found.ignored:
        count += "; `lakecheck inventory show` tells what cannot be, and why"
    copies = place.copies.format(use=f"{use}\n")
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
        origin=place.origin,
        first=next(iter(found.rses)),
        credentials=_credentials(place, proxy),
        services="\nservices:\n" + "\n".join(place.services) + "\n" if place.services else "",
        use=f"{use}\n",
        copies=f"{copies.rstrip()}\n\n{PUBLISH}",
    )


def _credentials(place: Place, proxy: str) -> str:
    """Give the section: the proxy for storages, if there is one, and what services need."""
    robot = [CREDENTIALS.format(proxy=quoted(proxy)).splitlines()[1]] if proxy else []
    own = [line for line in place.credentials if not (robot and line.startswith("  robot:"))]
    if not robot and not own:
        return NO_CREDENTIALS
    return "\n".join(["credentials:", *robot, *own])


def has_proxy(variables: Mapping[str, str]) -> bool:
    """Whether the spec will have the credential `robot` for storages."""
    return bool(_proxy(variables))


def _proxy(variables: Mapping[str, str]) -> str:
    """Give where a proxy is now, as the grid's tools look for it; empty if there is none."""
    if variables.get("X509_USER_PROXY"):
        return "${X509_USER_PROXY}"
    usual = f"/tmp/x509up_u{os.getuid()}"
    return usual if os.path.exists(usual) else ""
