"""Where nothing listens: port 1 of this machine."""

from __future__ import annotations

import time

import msgspec
import pytest

from lakecheck.errors import Unreachable
from lakecheck.model import Endpoint
from tests.drivers.conformance.arena import TIMEOUT, Arena, Route
from tests.drivers.conformance.places import everywhere, over_links


def nowhere(endpoint: Endpoint) -> Endpoint:
    url = f"{endpoint.scheme}://127.0.0.1:1/data"
    return msgspec.structs.replace(endpoint, url=url, host="127.0.0.1", port=1, path="/data")


def side(over: Route, dead: str) -> str:
    """With gsiftp the client connects to both ends, and gfal2 does not tell which one failed."""
    return "transfer" if over.link.scheme == "gsiftp" and dead == "destination" else dead


# Nothing of an RSE takes part in this, so one for each driver and protocol is enough.
@everywhere(lambda place: place.rse == "LAKE-1" or place.scheme == "gsiftp")
async def test_every_step_says_so(at: Arena) -> None:
    storage = at.session.storage(nowhere(at.endpoint), at.credential, TIMEOUT)
    url = f"{storage.endpoint.url}/file"
    began = time.monotonic()
    for call in (
        storage.stat(url),
        storage.put(url, at.bench.payload(10)),
        storage.get(url),
        storage.delete(url),
        storage.mkdir(f"{url}/folder"),
    ):
        with pytest.raises(Unreachable):
            await call
    assert time.monotonic() - began < 60


# In memory every address is a storage.
@over_links(lambda link: link.driver != "memory")
async def test_a_copy_from_nowhere(over: Route) -> None:
    dead = nowhere(over.source.endpoint)
    copier = over.session.copier(dead, over.destination.endpoint, over.source.credential, TIMEOUT)
    with pytest.raises(Unreachable) as caught:
        await copier.copy(f"{dead.url}/file", over.destination.url(), over.link.mode, "adler32", 10)
    assert caught.value.side == side(over, "source")


# In memory every address is a storage.
@over_links(lambda link: link.driver != "memory")
async def test_a_copy_to_nowhere(over: Route) -> None:
    await over.source.storage.put(over.source.url(), over.bench.payload(10))
    dead = nowhere(over.destination.endpoint)
    copier = over.session.copier(over.source.endpoint, dead, over.source.credential, TIMEOUT)
    with pytest.raises(Unreachable) as caught:
        await copier.copy(over.source.url(), f"{dead.url}/file", over.link.mode, "adler32", 10)
    assert caught.value.side == side(over, "destination")
