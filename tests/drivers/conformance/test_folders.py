from __future__ import annotations

import pytest

from lakecheck.drivers.base import Entry
from lakecheck.errors import DriverError, Missing
from tests.drivers.conformance.arena import Arena
from tests.drivers.conformance.places import everywhere


@everywhere()
async def test_a_folder_is_made_with_its_parents(at: Arena) -> None:
    await at.storage.mkdir(at.url("one/two/three"))
    assert (await at.storage.stat(at.url("one/two/three"))).is_folder
    await at.storage.mkdir(at.url("one/two/three"))  # no error


@everywhere(lambda place: place.lists_folders)
async def test_a_folder_is_listed(at: Arena) -> None:
    payload = at.bench.payload(10)
    for name in ("b", "a", "c d"):
        await at.storage.put(at.url(f"listed/{name}"), payload)
    await at.storage.mkdir(at.url("listed/folder"))
    wanted = (
        Entry("a"),
        Entry("b"),
        Entry("c d"),
        Entry("folder", is_folder=True),
    )
    assert await at.storage.list(at.url("listed")) == wanted


@everywhere()
async def test_a_folder_that_is_not_there_is_not_listed(at: Arena) -> None:
    with pytest.raises(Missing):
        await at.storage.list(at.url("nowhere"))


@everywhere(lambda place: place.lists_folders)
async def test_an_empty_folder_is_listed_and_deleted(at: Arena) -> None:
    await at.storage.mkdir(at.url("empty"))
    assert await at.storage.list(at.url("empty")) == ()
    await at.storage.delete(at.url("empty"))
    with pytest.raises(Missing):
        await at.storage.stat(at.url("empty"))


@everywhere()
async def test_a_full_folder_is_not_deleted(at: Arena) -> None:
    payload = at.bench.payload(10)
    await at.storage.put(at.url("full/file"), payload)
    with pytest.raises(DriverError):
        await at.storage.delete(at.url("full"))
    assert await at.storage.get(at.url("full/file"), payload) == 10
