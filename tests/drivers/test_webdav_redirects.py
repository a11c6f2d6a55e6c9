from __future__ import annotations

import asyncio
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from msgspec import Struct

from lakecheck.drivers.base import Copied, Payload
from lakecheck.drivers.webdav import DRIVER
from lakecheck.drivers.webdav_session import WebdavSession
from lakecheck.drivers.webdav_storage import WebdavStorage
from lakecheck.errors import (
    Corrupt,
    DriverError,
    Missing,
    ProtocolError,
    TimedOut,
    TlsFailed,
    Unsupported,
)
from lakecheck.model import DriverChoice
from tests.drivers.fake_storage import TOKEN, FakeStorage, Keys, make_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


class Stage(Struct, frozen=True):
    """A manager, a data server over TLS, one without, and a session."""

    keys: Keys
    manager: FakeStorage
    safe: FakeStorage
    bare: FakeStorage
    session: WebdavSession

    def storage(self, timeout: float = 20) -> WebdavStorage:
        endpoint = self.manager.endpoint(self.keys.ca)
        return self.session.storage(endpoint, self.keys.credential, timeout)

    async def copy(self, content: bytes = b"pulled", to: str = "") -> Copied:
        """Pull a file of the safe server to the manager's name space, where `pulled` arrives."""
        self.safe.files["/data/source"] = content
        source, target = (one.endpoint(self.keys.ca) for one in (self.safe, self.manager))
        copier = self.session.copier(source, target, self.keys.credential, 20)
        urls = f"{source.url}/source", to or f"{target.url}/copy"
        return await copier.copy(*urls, "pull", "adler32", len(content))

    def url(self, name: str = "file") -> str:
        return f"{self.manager.endpoint('').url}/{name}"

    def to(self, other: FakeStorage, *methods: str, query: str = "") -> None:
        """Let the manager redirect some methods (or all) to another server."""

        def redirect(request: web.Request) -> str | None:
            wanted = not methods or request.method in methods
            return f"{other.address}{request.path}{query}" if wanted else None

        self.manager.redirect = redirect


@asynccontextmanager
async def stage(keys: Keys) -> AsyncIterator[Stage]:
    async with (
        FakeStorage("MANAGER", keys.server) as manager,
        FakeStorage("SAFE", keys.server) as safe,
        FakeStorage("BARE") as bare,
    ):
        session = DRIVER.open(DriverChoice("webdav"))
        try:
            yield Stage(keys, manager, safe, bare, session)
        finally:
            await session.close()


def perform(keys: Keys, act: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), stage(keys) as the_stage:
            await act(the_stage)

    asyncio.run(run())


def payload(folder: Path, size: int) -> Payload:
    body = os.urandom(size)
    (folder / "payload").write_bytes(body)
    md5 = hashlib.md5(body).hexdigest()
    return Payload(str(folder / "payload"), size, f"{zlib.adler32(body):08x}", md5)


@pytest.mark.parametrize("size", [0, 100, 20_000_000])
def test_an_upload_loses_nothing(keys: Keys, tmp_path: Path, size: int) -> None:
    async def act(on: Stage) -> None:
        on.to(on.safe)
        written = payload(tmp_path, size)
        await on.storage().put(on.url(), written)
        assert on.safe.files["/data/file"] == Path(written.path).read_bytes()
        sent = [one.body.total_bytes for one in on.manager.requests if one.method == "PUT"]
        assert sent == [size if size <= 100 else 0]  # a large body goes to one server only
        assert await on.storage().get(on.url(), written) == size

    perform(keys, act)


def test_an_unescaped_location_is_followed(keys: Keys, tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        on.manager.redirect = lambda request: f"{on.safe.address}{request.path}"
        await on.storage().put(on.url(quote("two words 100%25")), payload(tmp_path, 10))
        assert list(on.safe.files) == ["/data/two words 100%25"]

    perform(keys, act)


def test_the_proxy_is_shown_over_tls_only(keys: Keys, tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        on.to(on.safe)
        await on.storage().put(on.url(), payload(tmp_path, 10))
        assert all(one.proxy for one in (*on.manager.requests, *on.safe.requests))
        on.to(on.bare)
        await on.storage().put(on.url("other"), payload(tmp_path, 10))
        assert on.bare.requests
        assert not any(one.proxy or one.secrets for one in on.bare.requests)

    perform(keys, act)


def test_tokens_follow_a_redirect_over_tls(keys: Keys) -> None:
    async def act(on: Stage) -> None:
        on.to(on.safe, "COPY", "HEAD")
        assert await on.copy() == Copied("pull", "adler32")
        (asked,) = (one for one in on.safe.requests if one.method == "COPY")
        assert asked.secrets == {
            "Authorization": f"Bearer {TOKEN}MANAGER",
            "TransferHeaderAuthorization": f"Bearer {TOKEN}SAFE",
        }

    perform(keys, act)


def test_tokens_do_not_leave_tls(keys: Keys) -> None:
    async def act(on: Stage) -> None:
        on.to(on.bare, "COPY", "HEAD")
        assert await on.copy() == Copied("pull", "adler32")
        (asked,) = (one for one in on.bare.requests if one.method == "COPY")
        assert asked.secrets == {}
        assert TOKEN not in asked.path

    perform(keys, act)


def test_a_redirect_that_puts_our_token_into_a_bare_url_is_not_followed(keys: Keys) -> None:
    async def act(on: Stage) -> None:
        on.to(on.bare, "COPY", query=f"?authz=Bearer%20{TOKEN}MANAGER")
        with pytest.raises(TlsFailed) as caught:
            await on.copy()
        assert caught.value.host == on.bare.host
        assert "unencrypted" in caught.value.message
        assert TOKEN not in caught.value.message
        assert on.bare.requests == []

    perform(keys, act)


def test_no_token_is_told_in_errors(keys: Keys) -> None:
    async def act(on: Stage) -> None:
        on.manager.verdict = lambda request: f"failure: got {request.headers['Authorization']}"
        with pytest.raises(ProtocolError) as caught:
            await on.copy()
        assert "failed: got Bearer ***" in caught.value.message
        assert TOKEN not in caught.value.message

    perform(keys, act)


def test_a_copy_that_is_too_short_is_the_destinations(keys: Keys) -> None:
    async def act(on: Stage) -> None:
        with pytest.raises(Corrupt, match="15 bytes at the source, 6 at the dest") as caught:
            await on.copy(b"pulled and more")
        assert caught.value.side == "destination"

    perform(keys, act)


def test_a_copy_to_another_protocol_is_asked_of_nobody(keys: Keys) -> None:
    async def act(on: Stage) -> None:
        with pytest.raises(Unsupported, match='WebDAV does not speak "root"') as caught:
            await on.copy(to="root://127.0.0.1:1//data/copy")
        assert caught.value.side == "transfer"
        assert not on.manager.requests + on.safe.requests

    perform(keys, act)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("gopher://h:1/x", "which is not HTTP"),
        ("https://127.0.0.1:99999/x", "99999"),
        ("/data/file", "redirected more than 5 times"),
    ],
)
def test_redirects_to_nowhere(keys: Keys, location: str, said: str) -> None:
    async def act(on: Stage) -> None:
        on.manager.redirect = lambda request: location
        with pytest.raises(ProtocolError, match=said):
            await on.storage().stat(on.url())

    perform(keys, act)


def test_errors_name_the_data_server(keys: Keys, tmp_path: Path) -> None:
    async def failed(call: Awaitable[object]) -> DriverError:
        with pytest.raises(DriverError) as caught:
            await call
        return caught.value

    async def act(on: Stage) -> None:
        on.to(on.safe)
        error = await failed(on.storage().stat(on.url()))
        assert isinstance(error, Missing)
        assert error.host == on.safe.host
        on.safe.silent = True
        error = await failed(on.storage(timeout=1).get(on.url()))
        assert isinstance(error, TimedOut)
        assert error.host == on.safe.host
        assert on.safe.host in error.message

    perform(keys, act)
