"""The files of a replication test: their names, and where Rucio says that they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakecheck.drivers.rucio_session import COMMENT, Replica, Rucio
from lakecheck.errors import Corrupt, Missing
from lakecheck.model import Case
from lakecheck.probes.base import Tools
from lakecheck.probes.replication import Options

PREFIX = COMMENT
AVAILABLE = "AVAILABLE"


def did_of(tools: Tools) -> tuple[str, str]:
    """Scope and name of what a case uploads, or replicates: a file, or a dataset of several."""
    upload = tools.case.needs[0] if tools.case.needs else tools.case
    return upload.test.options.scope, f"{PREFIX}.{tools.name_of(upload)}"


def names(tools: Tools) -> list[str]:
    """Give the names of its files."""
    _, name = did_of(tools)
    files = tools.case.files
    return [name] if files == 1 else [f"{name}.{number}" for number in range(files)]


def item(options: Options, case: Case) -> dict[str, Any]:
    """Give what the upload and download clients are told of every file."""
    found: dict[str, Any] = {"transfer_timeout": round(case.test.timeout) or 1}
    if options.protocol:
        found["force_scheme"] = options.protocol
    return found


def tag(tools: Tools) -> str:
    """Comment of all rules of a run, by which they are found."""
    return f"{COMMENT} {tools.run_id}"


async def held(tools: Tools, rucio: Rucio) -> tuple[set[str], set[str]]:
    """RSEs that have all files, as they were uploaded; and those that have any, in any state."""
    found = [one.states for one in await _replicas(tools, rucio)]
    there = [{rse for rse, state in states.items() if state == AVAILABLE} for states in found]
    return set.intersection(*there), set().union(*found)


async def whole(tools: Tools, rucio: Rucio, rse: str) -> Sequence[Replica]:
    """Give the replicas of all files, which an RSE must have, as they were uploaded."""
    found = await _replicas(tools, rucio)
    for each in found:
        state = each.states.get(rse, "")
        if state != AVAILABLE:
            told = f"Rucio says of {each.name} at {rse}: {state or 'no replica'}"
            raise Missing(told, side="service")
    return found


async def _replicas(tools: Tools, rucio: Rucio) -> Sequence[Replica]:
    scope, _ = did_of(tools)
    wanted = names(tools)
    found = await rucio.replicas([(scope, name) for name in wanted])
    missing = set(wanted) - {each.name for each in found}
    if missing:
        raise Missing(f"Rucio does not know {scope}:{min(missing)}", side="service")
    for each in found:
        if each.bytes != tools.payload.size or each.adler32 not in ("", tools.payload.adler32):
            told = f"Rucio has {each.name} with {each.bytes} bytes, adler32 {each.adler32}"
            raise Corrupt(f"{told}; it was uploaded as another", side="service")
    return found
