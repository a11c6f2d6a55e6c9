"""A driver whose storages live in the process: to try a spec, and to force every failure."""

from __future__ import annotations

import asyncio
from typing import NoReturn
from urllib.parse import unquote

from lakecheck.drivers.base import Copied, Entry, Payload, Stat
from lakecheck.drivers.memory_options import Behaviour, Behaviours, decode
from lakecheck.drivers.memory_tree import Content, Tree
from lakecheck.errors import DRIVER_ERRORS, Corrupt, DriverError, Side, TesterFailed, Unsupported
from lakecheck.model import Algorithm, Credential, DriverChoice, Endpoint, Mode


class MemoryDriver:
    """Speaks any scheme, to storages that are empty when a session begins."""

    name = "memory"
    schemes: tuple[str, ...] = ("*",)
    native = False

    def open(self, options: DriverChoice) -> MemorySession:
        """Begin with empty storages; UsageError where an option is wrong."""
        return MemorySession(decode(options.options))

    def tools(
        self,
        step: str,
        url: str,
        other: str,
        credential: Credential,
        ca: str,
        mode: Mode = "pull",
        algorithm: Algorithm = "adler32",
    ) -> str:
        """Say that nothing outside this process can repeat a step."""
        return f"# {step} of {url}: kept in memory, gone with the run; run the spec again"

    def environment(self, step: str, credential: Credential, ca: str) -> dict[str, str]:
        """No variables, as there are no commands."""
        return {}


class MemorySession:
    """The storages of one run, by address."""

    def __init__(self, behaviours: Behaviours) -> None:
        self._behaviours = behaviours
        self._trees: dict[str, Tree] = {}
        self._contents: dict[tuple[str, int, str], Content] = {}

    def storage(self, endpoint: Endpoint, credential: Credential, timeout: float) -> MemoryStorage:
        """Give the storage behind an endpoint's address."""
        tree = self._trees.setdefault(endpoint.address, Tree())
        return MemoryStorage(endpoint, tree, self._behaviours.of(endpoint.rse), self._contents)

    def copier(
        self, source: Endpoint, destination: Endpoint, credential: Credential, timeout: float
    ) -> MemoryCopier:
        """Prepare copies from one storage to another."""
        return MemoryCopier(
            self.storage(source, credential, timeout),
            self.storage(destination, credential, timeout),
        )

    async def close(self) -> None:
        """Forget every storage."""
        self._trees.clear()
        self._contents.clear()


class MemoryStorage:
    """One endpoint of a storage in memory, with the faults that its RSE was given."""

    def __init__(
        self,
        endpoint: Endpoint,
        tree: Tree,
        behaviour: Behaviour,
        contents: dict[tuple[str, int, str], Content],
    ) -> None:
        self.endpoint = endpoint
        self.tree = tree
        self._address = endpoint.address
        self._faults = behaviour.faults
        self._latency = behaviour.latency
        self._quick = not behaviour.faults and not behaviour.latency
        self._contents = contents

    def path(self, url: str) -> str:
        """Give a URL's path, unescaped; doubled and closing slashes mean nothing."""
        path = url[len(self._address) :] if url.startswith(self._address) else url
        if "%" in path:
            path = unquote(path)
        if "//" in path:
            path = "/" + "/".join(part for part in path.split("/") if part)
        return path.rstrip("/")

    async def trouble(self, step: str, side: Side = "storage") -> str:
        """Wait as long as the latency says, then fail as asked, or give how to spoil content."""
        if self._quick:
            return ""
        if self._latency:
            await asyncio.sleep(self._latency)
        fault = self._faults.get(step, "")
        if fault == "hang":
            await asyncio.Event().wait()
        if fault and fault not in ("corrupt", "truncate"):
            _fail(step, fault, side, self.endpoint.host)
        return fault

    async def put(self, url: str, payload: Payload, fresh: bool = False) -> None:
        """Keep the payload's content; Exists where the name is taken."""
        fault = await self.trouble("upload")
        content = self._content(payload)
        self.tree.write(self.path(url), spoilt(content, fault) if fault else content)

    async def get(self, url: str, payload: Payload | None = None, into: str | None = None) -> int:
        """Read a file, compare it with the payload, leave it in a local file."""
        fault = await self.trouble("download")
        content = self.tree.read(self.path(url))
        if fault:
            content = spoilt(content, fault)
        if into is not None:
            with open(into, "wb") as file:
                file.write(content.body)
        if payload is not None:
            wanted = self._content(payload)
            if wanted is not content and wanted.body != content.body:
                raise Corrupt(f"{url} does not hold what was written")
        return len(content.body)

    async def stat(self, url: str) -> Stat:
        """Size and type of a name."""
        fault = await self.trouble("stat")
        found = self.tree.stat(self.path(url))
        return Stat(found.size + 1 if fault == "corrupt" else found.size // 2) if fault else found

    async def checksum(self, url: str, algorithm: Algorithm) -> str:
        """Compute the checksum of what is kept; Unsupported where the endpoint has none."""
        fault = await self.trouble("checksum")
        if self.endpoint.checksum == "none":
            raise Unsupported(f"{self.endpoint.rse} has no checksums")
        content = self.tree.read(self.path(url))
        return (spoilt(content, fault) if fault else content).checksum(algorithm)

    async def delete(self, url: str) -> None:
        """Remove a file, or an empty folder."""
        await self.trouble("delete")
        self.tree.remove(self.path(url))

    async def list(self, url: str) -> tuple[Entry, ...]:
        """Names in a folder, sorted."""
        await self.trouble("list")
        return self.tree.list(self.path(url))

    async def mkdir(self, url: str) -> None:
        """Make a folder and its parents."""
        await self.trouble("mkdir")
        self.tree.mkdir(self.path(url))

    def _content(self, payload: Payload) -> Content:
        key = (payload.path, payload.size, payload.adler32)
        content = self._contents.get(key)
        if content is None:
            with open(payload.path, "rb") as file:
                content = self._contents[key] = Content(file.read())
        return content


class MemoryCopier:
    """Third-party copies between two storages in memory."""

    def __init__(self, source: MemoryStorage, destination: MemoryStorage) -> None:
        self._source = source
        self._destination = destination

    async def copy(
        self, source: str, destination: str, mode: Mode, algorithm: Algorithm | None, size: int
    ) -> Copied:
        """Copy by reference, then compare as real storages are compared."""
        ends = (self._source, self._destination)
        active = self._destination if mode == "pull" else self._source
        if mode not in active.endpoint.tpc:
            raise Unsupported(f"{active.endpoint.rse} does not {mode}", side="transfer")
        fault = await ends[1].trouble("copy", "destination")
        if ends[0].endpoint.rse != ends[1].endpoint.rse:
            fault = await ends[0].trouble("copy", "source") or fault
        try:
            content = ends[0].tree.read(ends[0].path(source))
        except DriverError as error:
            error.side = "source"
            raise
        try:
            copied = spoilt(content, fault) if fault else content
            ends[1].tree.write(ends[1].path(destination), copied)
        except DriverError as error:
            error.side = "destination"
            raise
        return Copied(mode, _verified(content, copied, algorithm, size, ends))


def _verified(
    content: Content,
    copied: Content,
    algorithm: Algorithm | None,
    size: int,
    ends: tuple[MemoryStorage, MemoryStorage],
) -> str:
    if not len(content.body) == len(copied.body) == size:
        told = f"{len(content.body)} bytes at the source, {len(copied.body)} at the destination"
        wrong: Side = "destination" if len(content.body) == size else "source"
        raise Corrupt(f"{told}, {size} expected", side=wrong)
    if algorithm is None or any(end.endpoint.checksum == "none" for end in ends):
        return "size"
    if content is not copied and content.checksum(algorithm) != copied.checksum(algorithm):
        raise Corrupt(f"{algorithm} differs between the ends", side="destination")
    return algorithm


def spoilt(content: Content, fault: str) -> Content:
    """Give other content: half of it (`truncate`), or one byte changed (`corrupt`)."""
    body = content.body
    if fault == "truncate":
        return Content(body[: len(body) // 2])
    return Content(body[:-1] + bytes([body[-1] ^ 1]) if body else b"\0")


def _fail(step: str, fault: str, side: Side, host: str) -> NoReturn:
    if fault == "crash":
        raise TesterFailed(f"{step}: the worker crashed, as the spec's faults ask for")
    kind = DRIVER_ERRORS[fault]  # type: ignore[index]
    own = side if kind.default_side == "storage" else kind.default_side
    raise kind(f"{step}: {fault}, as the spec's faults ask for", side=own, host=host)


DRIVER = MemoryDriver()
