from __future__ import annotations

import asyncio
import hashlib
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lakecheck.drivers.base import Copied, Payload
from lakecheck.drivers.memory import DRIVER, MemorySession, MemoryStorage
from lakecheck.errors import (
    DRIVER_ERRORS,
    Corrupt,
    Denied,
    DriverError,
    Exists,
    Full,
    Missing,
    TesterFailed,
    Unsupported,
    UsageError,
)
from lakecheck.model import NOBODY, DriverChoice, Endpoint

ROOT = "davs://a.example:443/data"
FILE = f"{ROOT}/file"


def endpoint(rse: str = "A", **more: Any) -> Endpoint:
    host = f"{rse.lower()}.example"
    return Endpoint(rse, f"davs://{host}:443/data", "davs", host, 443, "/data", "davs", **more)


def opened(**options: Any) -> MemorySession:
    return DRIVER.open(DriverChoice("memory", options))


def storage(session: MemorySession | None = None, **more: Any) -> MemoryStorage:
    return (session or opened()).storage(endpoint(**more), NOBODY, 5)


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    body = b"twelve bytes"
    (tmp_path / "payload").write_bytes(body)
    md5 = hashlib.md5(body).hexdigest()
    return Payload(str(tmp_path / "payload"), 12, f"{zlib.adler32(body):08x}", md5)


STEPS: dict[str, Callable[[MemoryStorage, Payload], Awaitable[object]]] = {
    "upload": lambda at, payload: at.put(f"{ROOT}/new", payload),
    "stat": lambda at, payload: at.stat(FILE),
    "checksum": lambda at, payload: at.checksum(FILE, "adler32"),
    "download": lambda at, payload: at.get(FILE, payload),
    "delete": lambda at, payload: at.delete(FILE),
    "list": lambda at, payload: at.list(ROOT),
    "mkdir": lambda at, payload: at.mkdir(f"{ROOT}/folder"),
}


async def seeded(payload: Payload, **options: Any) -> MemoryStorage:
    """A storage with a file that a storage without faults wrote."""
    session = opened(**options)
    good = MemoryStorage(
        endpoint(), storage(session).tree, opened()._behaviours.of("A"), session._contents
    )
    await good.put(FILE, payload)
    return storage(session)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", DRIVER_ERRORS)
def test_every_step_fails_as_asked(step: str, fault: str, payload: Payload) -> None:
    async def call() -> None:
        at = await seeded(payload, faults={step: fault})
        with pytest.raises(DRIVER_ERRORS[fault]) as caught:  # type: ignore[index]
            await STEPS[step](at, payload)
        assert caught.value.error_class == fault

    asyncio.run(call())


@pytest.mark.parametrize("step", STEPS)
def test_other_steps_go_well(step: str, payload: Payload) -> None:
    async def call() -> None:
        at = await seeded(payload, faults={"upload" if step != "upload" else "stat": "denied"})
        await STEPS[step](at, payload)

    asyncio.run(call())


def test_a_hang_ends_only_when_cancelled(payload: Payload) -> None:
    async def call() -> None:
        at = await seeded(payload, faults={"stat": "hang"})
        stat = asyncio.ensure_future(at.stat(FILE))
        done, _ = await asyncio.wait([stat], timeout=0.05)
        assert not done
        stat.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stat

    asyncio.run(call())


def test_a_crash_is_the_testers(payload: Payload) -> None:
    at = storage(opened(faults={"upload": "crash"}))
    with pytest.raises(TesterFailed) as caught:
        asyncio.run(at.put(FILE, payload))
    assert caught.value.side == "tester"


@pytest.mark.parametrize("fault", ["corrupt", "truncate"])
def test_a_spoilt_upload_is_seen_by_checksum_and_download(fault: str, payload: Payload) -> None:
    async def call() -> None:
        at = storage(opened(faults={"upload": fault}))
        await at.put(FILE, payload)
        assert await at.checksum(FILE, "md5") != payload.md5
        with pytest.raises(Corrupt):
            await at.get(FILE, payload)
        assert (await at.stat(FILE)).size == (12 if fault == "corrupt" else 6)

    asyncio.run(call())


@pytest.mark.parametrize("fault", ["corrupt", "truncate"])
def test_what_is_told_can_be_spoilt(fault: str, payload: Payload) -> None:
    async def call() -> None:
        every = dict.fromkeys(("stat", "checksum", "download"), fault)
        at = await seeded(payload, faults=every)
        assert (await at.stat(FILE)).size != payload.size
        assert await at.checksum(FILE, "adler32") != payload.adler32
        with pytest.raises(Corrupt):
            await at.get(FILE, payload)

    asyncio.run(call())


def test_faults_of_one_rse_add_to_those_of_all(payload: Payload) -> None:
    async def call() -> None:
        session = opened(faults={"stat": "denied"}, on={"B": {"faults": {"upload": "full"}}})
        with pytest.raises(Full):
            await storage(session, rse="B").put("davs://b.example:443/x", payload)
        with pytest.raises(Denied):
            await storage(session, rse="B").stat("davs://b.example:443/x")
        await storage(session).put(FILE, payload)
        with pytest.raises(Denied):
            await storage(session).stat(FILE)

    asyncio.run(call())


def test_latency(payload: Payload) -> None:
    began = time.monotonic()
    asyncio.run(storage(opened(latency="30ms")).put(FILE, payload))
    assert time.monotonic() - began >= 0.03


def test_sessions_share_nothing(payload: Payload) -> None:
    async def call() -> None:
        await storage().put(FILE, payload)
        with pytest.raises(Missing):
            await storage().stat(FILE)

    asyncio.run(call())


def test_storages_of_one_address_share_all(payload: Payload) -> None:
    async def call() -> None:
        session = opened()
        await storage(session).put(FILE, payload)
        assert (await storage(session).stat(FILE)).size == 12

    asyncio.run(call())


def test_no_checksum_where_the_endpoint_has_none(payload: Payload) -> None:
    async def call() -> None:
        at = storage(checksum="none")
        await at.put(FILE, payload)
        with pytest.raises(Unsupported):
            await at.checksum(FILE, "adler32")

    asyncio.run(call())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"faults": {"upload": "ful"}}, 'faults.upload: there is no fault "ful"; write one of'),
        ({"faults": {"delete": "corrupt"}}, "a delete carries nothing to corrupt; only upload"),
        ({"faults": {"uplod": "full"}}, "Invalid enum value 'uplod'"),
        ({"latency": "5"}, '"5" is not a duration'),
        ({"latecy": "5s"}, "unknown field `latecy`"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened(**options)
    assert str(caught.value).startswith("driver memory: ")
    assert said in str(caught.value)


async def copied(payload: Payload, session: MemorySession, **ends: Any) -> Copied:
    source, target = endpoint(), endpoint("B", **ends)
    await session.storage(source, NOBODY, 5).put(FILE, payload)
    copier = session.copier(source, target, NOBODY, 5)
    return await copier.copy(FILE, f"{target.url}/copy", "pull", "adler32", 12)


def test_a_copy(payload: Payload) -> None:
    assert asyncio.run(copied(payload, opened())) == Copied("pull", "adler32")
    assert asyncio.run(copied(payload, opened(), checksum="none")) == Copied("pull", "size")


@pytest.mark.parametrize(
    ("options", "error", "side"),
    [
        ({"faults": {"copy": "corrupt"}}, Corrupt, "destination"),
        ({"faults": {"copy": "truncate"}}, Corrupt, "destination"),
        ({"on": {"B": {"faults": {"copy": "full"}}}}, Full, "destination"),
        ({"on": {"A": {"faults": {"copy": "denied"}}}}, Denied, "source"),
        ({"on": {"A": {"faults": {"copy": "corrupt"}}}}, Corrupt, "destination"),
    ],
)
def test_a_copy_fails_as_asked(
    options: dict[str, Any], error: type[DriverError], side: str, payload: Payload
) -> None:
    with pytest.raises(error) as caught:
        asyncio.run(copied(payload, opened(**options)))
    assert caught.value.side == side


def test_a_copy_between_those_that_cannot(payload: Payload) -> None:
    with pytest.raises(Unsupported):
        asyncio.run(copied(payload, opened(), tpc=()))


def test_a_copy_onto_a_file(payload: Payload) -> None:
    async def call() -> None:
        session = opened()
        await session.storage(endpoint("B"), NOBODY, 5).put(
            "davs://b.example:443/data/copy", payload
        )
        with pytest.raises(Exists) as caught:
            await copied(payload, session)
        assert caught.value.side == "destination"

    asyncio.run(call())


def test_tools_say_that_there_is_nothing_to_repeat() -> None:
    said = DRIVER.tools("upload", FILE, "payload", NOBODY, "")
    assert said.startswith(f"# upload of {FILE}: kept in memory")
