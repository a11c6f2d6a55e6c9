"""The WebDAV driver with a proxy, at servers that ask for one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from lakecheck.drivers.base import Copied, Payload
from lakecheck.drivers.webdav import DRIVER
from lakecheck.drivers.webdav_session import WebdavSession
from lakecheck.errors import BadCredential, DriverError, TesterFailed
from lakecheck.model import NOBODY, Credential, DriverChoice, Endpoint, Mode
from tests.drivers.conformance.places import endpoint

PAYLOAD = Payload(__file__, Path(__file__).stat().st_size, "", "")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("secured")
    with Lake.start(folder, only=["LAKE-1", "LAKE-2"], gsi=True) as lake:
        yield lake


def robot(lake: Lake) -> Credential:
    return Credential("robot", "x509", str(lake.proxy))


def perform(act: Callable[[WebdavSession], Awaitable[None]]) -> None:
    async def run() -> None:
        session = DRIVER.open(DriverChoice("webdav"))
        try:
            async with asyncio.timeout(60):
                await act(session)
        finally:
            await session.close()

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["pull", "push"])
def test_a_copy_by_macaroons(secured: Lake, mode: Mode) -> None:
    async def act(session: WebdavSession) -> None:
        ends = [endpoint(secured, rse, "davs") for rse in ("LAKE-1", "LAKE-2")]
        source, target = (f"{end.url}/{mode}/file" for end in ends)
        await session.storage(ends[0], robot(secured), 20).put(source, PAYLOAD)
        copier = session.copier(*ends, robot(secured), 20)
        copied = await copier.copy(source, target, mode, "adler32", PAYLOAD.size)
        assert copied == Copied(mode, "adler32")
        assert await session.storage(ends[1], robot(secured), 20).get(target, PAYLOAD)

    perform(act)


@pytest.mark.parametrize("step", ["put", "get", "stat", "delete", "checksum"])
def test_nobody_is_sent_away(secured: Lake, step: str) -> None:
    async def act(session: WebdavSession) -> None:
        end = endpoint(secured, "LAKE-1", "davs")
        storage = session.storage(end, NOBODY, 20)
        more = {"put": (PAYLOAD,), "checksum": ("adler32",)}.get(step, ())
        with pytest.raises(BadCredential, match="no credential was shown") as caught:
            await getattr(storage, step)(f"{end.url}/file", *more)
        assert caught.value.side == "tester"

    perform(act)


async def told(session: WebdavSession, end: Endpoint, credential: Credential) -> DriverError:
    with pytest.raises(DriverError) as caught:
        await session.storage(end, credential, 20).stat(f"{end.url}/file")
    return caught.value


def test_a_proxy_that_cannot_be_used_is_told(secured: Lake, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("no proxy")
    (tmp_path / "junk").chmod(0o600)

    async def act(session: WebdavSession) -> None:
        end = endpoint(secured, "LAKE-1", "davs")
        for name in ("junk", "nowhere"):
            lost = Credential("robot", "x509", str(tmp_path / name))
            error = await told(session, end, lost)
            assert isinstance(error, BadCredential)
            assert str(tmp_path / name) in error.message

    perform(act)


def test_a_ca_that_is_not_there_is_told(secured: Lake, tmp_path: Path) -> None:
    url = secured.rses["LAKE-1"].davs
    port = int(url.rpartition(":")[2].partition("/")[0])
    missing = str(tmp_path / "ca.pem")
    end = Endpoint("LAKE-1", url, "davs", "127.0.0.1", port, "/data", "davs", ca=missing)

    async def act(session: WebdavSession) -> None:
        error = await told(session, end, NOBODY)
        assert isinstance(error, TesterFailed)
        assert missing in error.message

    perform(act)


def test_a_bundle_is_as_good_as_a_folder(secured: Lake) -> None:
    async def act(session: WebdavSession) -> None:
        url = secured.rses["LAKE-1"].davs
        port = int(url.rpartition(":")[2].partition("/")[0])
        bundle = str(secured.ca / "ca-bundle.pem")
        end = Endpoint("LAKE-1", url, "davs", "127.0.0.1", port, "/data", "davs", ca=bundle)
        assert (await session.storage(end, robot(secured), 20).stat(url)).is_folder

    perform(act)


def test_a_renewed_proxy_is_taken_up(secured: Lake, tmp_path: Path) -> None:
    place = tmp_path / "proxy"
    credential = Credential("robot", "x509", str(place))

    async def act(session: WebdavSession) -> None:
        end = endpoint(secured, "LAKE-1", "davs")
        assert isinstance(await told(session, end, credential), BadCredential)
        place.write_bytes(secured.proxy.read_bytes())
        place.chmod(0o600)
        assert (await session.storage(end, credential, 20).stat(end.url)).is_folder

    perform(act)
