from __future__ import annotations

import pytest

from lakecheck.drivers.base import Copied
from lakecheck.errors import Corrupt, DriverError, Missing
from tests.drivers.conformance.arena import Route
from tests.drivers.conformance.places import over_links


@over_links()
async def test_a_copy_is_verified_by_checksum(over: Route) -> None:
    payload = over.bench.payload(2000)
    await over.source.storage.put(over.source.url(), payload)
    copied = await over.copy("adler32", 2000)
    # With gsiftp the client leads both servers, and gfal2 calls that a push.
    happened = copied.mode if over.link.scheme == "gsiftp" else over.link.mode
    assert copied == Copied(happened, "adler32", streamed=False)
    assert await over.destination.storage.get(over.destination.url("new/copy"), payload) == 2000


@over_links()
async def test_a_copy_is_verified_by_size(over: Route) -> None:
    payload = over.bench.payload(3_000_000)
    await over.source.storage.put(over.source.url(), payload)
    copied = await over.copy(None, payload.size)
    assert (copied.verified, copied.streamed) == ("size", False)
    found = await over.destination.storage.stat(over.destination.url("new/copy"))
    assert found.size == payload.size


@over_links()
async def test_a_wrong_size_is_noticed(over: Route) -> None:
    await over.source.storage.put(over.source.url(), over.bench.payload(500))
    with pytest.raises(Corrupt) as caught:
        await over.copy(None, 501)
    # It is the source that has less than was written; the copy is like it.
    assert caught.value.side == "source"


@over_links()
async def test_a_missing_source_is_named_so(over: Route) -> None:
    with pytest.raises(Missing) as caught:
        await over.copy("adler32", 500)
    assert caught.value.side == "source"


@over_links()
async def test_a_copy_does_not_overwrite(over: Route) -> None:
    other = over.bench.payload(700, seed=2)
    await over.source.storage.put(over.source.url(), over.bench.payload(700))
    await over.destination.storage.put(over.destination.url("new/copy"), other)
    with pytest.raises(DriverError):
        await over.copy("adler32", 700)
    assert await over.destination.storage.get(over.destination.url("new/copy"), other) == 700
