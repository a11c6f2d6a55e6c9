"""Moves files from one class of storage to another, and reads them all the while."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from typing import Any, TypeVar

from lakecheck.drivers.rucio_session import Rucio
from lakecheck.errors import DriverError, Missing
from lakecheck.probes.base import Tools
from lakecheck.probes.replication_files import did_of, everywhere, item, names, tag

LOOK_AGAIN = 1.0  # seconds
Answer = TypeVar("Answer")


async def begin(tools: Tools, rucio: Rucio) -> str:
    """Let Rucio move the upload's rule, and give the new one, which holds before that ends."""
    options = tools.case.test.options
    scope, name = did_of(tools)
    rules = await rucio.call("list_did_rules", scope, name)
    before = next((each for each in rules if not each.get("child_rule_id")), None)
    if before is None:
        raise Missing(f"Rucio has no rule for {scope}:{name}", side="service")
    # Else the old copies could stay for as long as nobody needs their space.
    await rucio.call("update_replication_rule", before["id"], {"purge_replicas": True})
    changes = {"comment": tag(tools), "source_replica_expression": None, "purge_replicas": True}
    if options.activity:
        changes["activity"] = options.activity
    try:
        moved = await rucio.call(
            "move_replication_rule", before["id"], options.transition.to, changes
        )
    except DriverError:
        # An earlier attempt reached it, though its answer did not reach us.
        told: dict[str, Any] = await rucio.call("get_replication_rule", before["id"])
        moved = told.get("child_rule_id")
        if not moved:
            raise
    return str(moved)


async def while_readable(tools: Tools, rucio: Rucio, wait: Awaitable[Answer]) -> Answer:
    """Wait for something, and read the files all the while; raises why they cannot be read."""
    waiting, reading = asyncio.ensure_future(wait), asyncio.ensure_future(_read_on(tools, rucio))
    try:
        await asyncio.wait((waiting, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
        return await waiting
    finally:
        for each in (waiting, reading):
            each.cancel()
        await asyncio.gather(waiting, reading, return_exceptions=True)


async def _read_on(tools: Tools, rucio: Rucio) -> None:
    for number in itertools.count():
        await _look(tools, rucio, number)
        await asyncio.sleep(LOOK_AGAIN)


async def end(tools: Tools, rucio: Rucio, wanted: set[str]) -> None:
    """Wait until the old class has no copy any more; the files must be readable all the while."""
    old = set(await rucio.rses(tools.case.test.options.transition.start)) - wanted
    for number in itertools.count():
        if not await _look(tools, rucio, number) & old:
            return
        await asyncio.sleep(LOOK_AGAIN)


async def _look(tools: Tools, rucio: Rucio, number: int) -> set[str]:
    """Download one of the files, of any copy, and give the RSEs that have them all."""
    case = tools.case
    assert case.endpoint is not None
    files, (scope, _) = names(tools), did_of(tools)
    there = await everywhere(tools, rucio)
    if not there:
        raise Missing("between two classes there was no whole copy at all", side="service")
    did = f"{scope}:{files[number % len(files)]}"
    asked = {**item(case.test.options, case), "did": did}
    try:
        await rucio.download(tools.payload, asked, case.test.timeout, case.endpoint.ca)
    except DriverError as error:
        error.message = f"between two classes {did} could not be read: {error.message}"
        error.args = (error.message,)
        raise
    return there
