"""Storages and copiers whose calls are made in worker processes."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any, Protocol

from lakecheck.drivers.authorities import Authorities
from lakecheck.drivers.base import SCRATCH, Copied, Entry, Payload, Stat
from lakecheck.drivers.identity import identity
from lakecheck.drivers.pool import Identity, Pool, Replied
from lakecheck.drivers.worker_wire import OURS
from lakecheck.errors import DRIVER_ERRORS, DriverError, Unsupported
from lakecheck.model import Algorithm, Credential, Endpoint, Mode

HTTP = frozenset({"davs", "https", "dav", "http"})
XROOT = frozenset({"root", "roots", "xroot", "xroots"})


class Explain(Protocol):
    """Gives the DriverError for what a library raised."""

    def __call__(
        self,
        code: int | None,
        text: str,
        url: str,
        credential: Credential,
        source: str = "",
        host: str | None = None,
    ) -> DriverError:
        """`source` is set for copies, where `url` is the destination."""


class _Caller:
    """Makes calls as one identity and explains what they raise."""

    def __init__(
        self, pool: Pool, identity: Identity, credential: Credential, explain: Explain
    ) -> None:
        self._pool = pool
        self._identity = identity
        self._explain = explain
        self.credential = credential

    async def __call__(self, name: str, url: str, *arguments: Any, source: str = "") -> Any:
        try:
            ends = (source, url) if source else (url,)
            return await self._pool.call(self._identity, name, *ends, *arguments)
        except Replied as replied:
            raise self._error(replied.reply, url, source) from None

    def _error(self, reply: tuple[Any, ...], url: str, source: str) -> DriverError:
        if reply[0] == OURS:
            _, error_class, text, more = reply
            return DRIVER_ERRORS[error_class](text, **more)
        _, kind, code, text, host = reply
        return self._explain(code, text or kind, url, self.credential, source, host)


class WorkerStorage:
    """One endpoint, reached through worker processes."""

    def __init__(self, endpoint: Endpoint, call: _Caller) -> None:
        self.endpoint = endpoint
        self._call = call

    async def put(self, url: str, payload: Payload, fresh: bool = False) -> None:
        """Upload the payload's file."""
        await self._call("put", url, payload.path, fresh)

    async def get(self, url: str, payload: Payload | None = None, into: str | None = None) -> int:
        """Download, comparing with the payload's file."""
        count: int = await self._call("get", url, payload.path if payload else None, into)
        return count

    async def stat(self, url: str) -> Stat:
        """Size and type of a name."""
        size, is_folder, modified = await self._call("stat", url)
        return Stat(size, is_folder, modified)

    async def checksum(self, url: str, algorithm: Algorithm) -> str:
        """Give what the storage says."""
        found: str = await self._call("checksum", url, algorithm)
        return found

    async def delete(self, url: str) -> None:
        """Remove a file or an empty folder."""
        await self._call("delete", url)

    async def list(self, url: str) -> tuple[Entry, ...]:
        """Names in a folder."""
        return tuple(Entry(name, is_folder) for name, is_folder in await self._call("list", url))

    async def mkdir(self, url: str) -> None:
        """Make a folder and its parents."""
        await self._call("mkdir", url)


class WorkerCopier:
    """Third-party copies, asked for by worker processes."""

    def __init__(self, call: _Caller) -> None:
        self._call = call

    async def copy(
        self, source: str, destination: str, mode: Mode, algorithm: Algorithm | None, size: int
    ) -> Copied:
        """Let the storages copy, then compare both ends."""
        if not same_family(source, destination):
            ends = " and ".join(url.partition(":")[0] for url in (source, destination))
            raise Unsupported(f"{ends} have no third-party copy in common", side="transfer")
        anonymous = self._call.credential.kind == "none"
        happened, verified, streamed = await self._call(
            "copy", destination, mode, algorithm, int(size), anonymous, source=source
        )
        return Copied(happened, verified, streamed)


def same_family(source: str, destination: str) -> bool:
    """Whether two URLs are of protocols between which storages copy by themselves."""
    schemes = {url.partition(":")[0] for url in (source, destination)}
    return len(schemes) == 1 or schemes <= HTTP or schemes <= XROOT


class WorkerSession:
    """A driver with a native library at work: its processes, and what they trust."""

    def __init__(self, module: str, explain: Explain) -> None:
        self.pool = Pool(module)
        self._explain = explain
        self._folder = tempfile.mkdtemp(prefix="lakecheck-", dir=SCRATCH.get())
        self._authorities = Authorities(self._folder)

    def storage(self, endpoint: Endpoint, credential: Credential, timeout: float) -> WorkerStorage:
        """Connect to an endpoint; nothing is sent before the first call."""
        return WorkerStorage(endpoint, self._caller(credential, timeout, (endpoint.ca,)))

    def copier(
        self, source: Endpoint, destination: Endpoint, credential: Credential, timeout: float
    ) -> WorkerCopier:
        """Prepare third-party copies over one link."""
        trusted = (source.ca, destination.ca)
        return WorkerCopier(self._caller(credential, timeout, trusted, delegates=True))

    async def close(self) -> None:
        """End every worker process."""
        await self.pool.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _caller(
        self, credential: Credential, timeout: float, ca: tuple[str, ...], delegates: bool = False
    ) -> _Caller:
        trusted = self._authorities.settings(*ca)
        who = identity(credential, timeout, trusted, delegates=delegates)
        return _Caller(self.pool, who, credential, self._explain)
