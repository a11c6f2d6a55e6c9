from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lakecheck.errors import Corrupt, Exists, Missing, Unsupported
from tests.drivers.conformance.arena import Arena
from tests.drivers.conformance.places import everywhere

ODD_NAMES = ("two words", "ünïcødé", "100%25", "a+b", "sharp#1", "it's (1)")
ODDEST = "ünï cødé 100%25 a+b #1"


@everywhere()
async def test_a_file_comes_back_as_it_went(at: Arena) -> None:
    payload = at.bench.payload(1000)
    await at.storage.put(at.url(), payload)
    assert (await at.storage.stat(at.url())).size == 1000
    assert not (await at.storage.stat(at.url())).is_folder
    assert await at.storage.get(at.url(), payload) == 1000


@everywhere()
async def test_a_fresh_name_gets_the_folders_that_it_needs(at: Arena) -> None:
    payload = at.bench.payload(1000)
    await at.storage.put(at.url("not/there/yet"), payload, fresh=True)
    assert await at.storage.get(at.url("not/there/yet"), payload) == 1000


@everywhere(lambda place: place.has_checksums)
async def test_the_storage_tells_checksums(at: Arena) -> None:
    payload = at.bench.payload(1000, seed=1)
    await at.storage.put(at.url(), payload)
    assert await at.storage.checksum(at.url(), "adler32") == payload.adler32
    assert await at.storage.checksum(at.url(), "md5") == payload.md5


@everywhere(lambda place: not place.has_checksums)
async def test_no_checksum_is_said_so(at: Arena) -> None:
    await at.storage.put(at.url(), at.bench.payload(10))
    with pytest.raises(Unsupported):
        await at.storage.checksum(at.url(), "adler32")


@everywhere()
async def test_a_download_can_be_kept(at: Arena) -> None:
    payload = at.bench.payload(5000)
    into = at.bench.folder / f"{at.place.id}-kept"
    await at.storage.put(at.url(), payload)
    assert await at.storage.get(at.url(), into=str(into)) == 5000
    assert into.read_bytes() == Path(payload.path).read_bytes()


@everywhere()
async def test_a_taken_name_is_not_overwritten(at: Arena) -> None:
    first, second = at.bench.payload(100), at.bench.payload(100, seed=1)
    await at.storage.put(at.url(), first)
    with pytest.raises(Exists):
        await at.storage.put(at.url(), second)
    assert await at.storage.get(at.url(), first) == 100


@everywhere()
async def test_other_content_is_noticed(at: Arena) -> None:
    await at.storage.put(at.url(), at.bench.payload(100))
    for other in (at.bench.payload(100, seed=1), at.bench.payload(99), at.bench.payload(101)):
        with pytest.raises(Corrupt):
            await at.storage.get(at.url(), other)


@everywhere()
async def test_what_is_not_there_is_missing(at: Arena) -> None:
    with pytest.raises(Missing):
        await at.storage.stat(at.url())
    with pytest.raises(Missing):
        await at.storage.get(at.url(), at.bench.payload(10))
    with pytest.raises(Missing):
        await at.storage.delete(at.url())


@everywhere(lambda place: place.has_checksums)
async def test_what_is_not_there_has_no_checksum(at: Arena) -> None:
    with pytest.raises(Missing):
        await at.storage.checksum(at.url(), "adler32")


@everywhere()
async def test_a_deleted_file_is_gone(at: Arena) -> None:
    await at.storage.put(at.url(), at.bench.payload(10))
    await at.storage.delete(at.url())
    with pytest.raises(Missing):
        await at.storage.stat(at.url())


@everywhere()
async def test_sizes(at: Arena) -> None:
    async def round_trip(size: int) -> None:
        payload, url = at.bench.payload(size), at.url(f"of-{size}")
        await at.storage.put(url, payload)
        assert (await at.storage.stat(url)).size == size
        assert await at.storage.get(url, payload) == size

    await asyncio.gather(round_trip(0), round_trip(3_000_000))


# davix cannot read the redirects of XRootD's managers, which do not escape them.
@everywhere(lambda place: not (place.driver == "gfal2" and place.redirects))
async def test_odd_names(at: Arena) -> None:
    async def round_trip(number: int, name: str) -> None:
        payload = at.bench.payload(50 + number)
        await at.storage.put(at.url(name), payload)
        assert (await at.storage.stat(at.url(name))).size == payload.size
        assert await at.storage.get(at.url(name), payload) == payload.size

    # A redirector needs a second or two for every name that it has not heard of.
    names = (ODDEST,) if at.place.redirects else (ODDEST, *ODD_NAMES)
    await asyncio.gather(*(round_trip(*pair) for pair in enumerate(names)))
    kept = {path.name for path in at.files()}
    assert at.place.driver == "memory" or kept == set(names)
    await asyncio.gather(*(at.storage.delete(at.url(name)) for name in names))


@everywhere()
async def test_many_at_once(at: Arena) -> None:
    async def round_trip(number: int) -> int:
        payload = at.bench.payload(200 + number)
        await at.storage.put(at.url(f"n{number}"), payload)
        count = await at.storage.get(at.url(f"n{number}"), payload)
        await at.storage.delete(at.url(f"n{number}"))
        return count

    count = 4 if at.place.redirects else 16
    counted = await asyncio.gather(*map(round_trip, range(count)))
    assert counted == [200 + number for number in range(count)]


# What is kept in memory is written at once: there is nothing to cancel.
@everywhere(lambda place: place.driver != "memory")
async def test_a_cancelled_call_ends_at_once_and_harms_no_other(at: Arena) -> None:
    big, small = at.bench.payload(30_000_000), at.bench.payload(10)
    await at.storage.put(at.url("small"), small)
    upload = asyncio.ensure_future(at.storage.put(at.url("big"), big))
    await asyncio.sleep(0.02)
    upload.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(upload, return_exceptions=True)
        assert await at.storage.get(at.url("small"), small) == 10
