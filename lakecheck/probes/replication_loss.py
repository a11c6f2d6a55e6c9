"""Takes a copy away behind Rucio's back, declares it bad as a site would, and waits for it."""

from __future__ import annotations

import asyncio

from lakecheck.drivers.rucio_session import Rucio
from lakecheck.errors import Missing, TesterFailed
from lakecheck.model import Endpoint
from lakecheck.probes.base import Measured, Tools
from lakecheck.probes.replication_files import AVAILABLE, did_of, names

LOOK_AGAIN = 1.0  # seconds
REASON = "removed by a test of lakecheck, which waits for it"


async def repaired(tools: Tools) -> Measured:
    """A copy that its storage has lost, and that is declared bad, comes back by the rule."""
    case = tools.case
    rucio: Rucio = await tools.service()
    assert case.endpoint is not None
    rse, (scope, _), name = case.endpoint.rse, did_of(tools), names(tools)[0]
    did = {"scope": scope, "name": name}
    (told,) = await rucio.call("list_replicas", [did], rse_expression=rse)
    way = _way_in(case.ways, told["rses"].get(rse, ()))
    if way is None:
        return Measured(skipped=f"no endpoint of {rse} in the inventory leads to Rucio's files")
    endpoint, url = way
    storage = tools.storage_at(endpoint)
    await storage.delete(url)
    refused = await rucio.call("declare_bad_file_replicas", [{**did, "rse": rse}], REASON)
    if refused:
        raise TesterFailed(f"Rucio does not take {scope}:{name} at {rse} for bad: {refused}")
    while not await _available(rucio, did["scope"], name, rse):
        await asyncio.sleep(LOOK_AGAIN)
    try:
        await storage.stat(url)
    except Missing as error:
        told = f"Rucio says that {scope}:{name} is at {rse} again, and it is not: {error.message}"
        raise Missing(told, side="service") from None
    return Measured(files=1, measures={"did": f"{scope}:{name}", "rses": [rse]})


def _way_in(
    ways: tuple[tuple[Endpoint, Endpoint], ...], urls: object
) -> tuple[Endpoint, str] | None:
    """Find the first address of a file that belongs to an endpoint of a link's destination."""
    known = [str(url) for url in urls] if isinstance(urls, list | tuple) else []
    return next(
        ((end, url) for _, end in ways for url in known if url.startswith(f"{end.url}/")), None
    )


async def _available(rucio: Rucio, scope: str, name: str, rse: str) -> bool:
    (found,) = await rucio.replicas([(scope, name)])
    return found.states.get(rse) == AVAILABLE
