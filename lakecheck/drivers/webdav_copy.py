"""HTTP third-party copies: one storage pulls or pushes, and both are compared afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lakecheck.drivers import webdav_digest as digest
from lakecheck.drivers.base import Copied
from lakecheck.drivers.classify import host_of
from lakecheck.drivers.webdav_client import Client, read, text
from lakecheck.drivers.webdav_macaroon import READ, WRITE, mint
from lakecheck.drivers.webdav_storage import WebdavStorage
from lakecheck.drivers.webdav_tpc import far_failure, near_failure, verdict, without
from lakecheck.drivers.webdav_urls import named, parent, wire
from lakecheck.errors import Corrupt, DriverError, Exists, Missing, TimedOut, Unsupported
from lakecheck.model import Algorithm, Mode

BEGUN = frozenset({200, 201, 202, 204})


class Seen(Struct, frozen=True):
    """What one end tells of a file; no checksum where it has none."""

    size: int
    checksum: str | None


class Order(Struct, frozen=True):
    """A copy as it is asked for: `near` is at the active end, `far` at the passive one."""

    mode: Mode
    near: str
    far: str
    active: Client
    passive: Client
    headers: Mapping[str, str]
    tokens: tuple[str, ...]


class Outcome(Struct, frozen=True):
    """What the active end answered: `said` is the last line of a copy that was begun."""

    status: int
    said: str
    hop: str


class WebdavCopier:
    """Copies over one link; the client only asks, no byte goes through it."""

    def __init__(self, source: WebdavStorage, destination: WebdavStorage) -> None:
        self._source = source
        self._destination = destination

    async def copy(
        self, source: str, destination: str, mode: Mode, algorithm: Algorithm | None, size: int
    ) -> Copied:
        """Let the storages copy, then compare checksums (or, with None, sizes)."""
        for url in (source, destination):
            wire(url)  # Unsupported where it is not of HTTP, before anything is asked of anyone
        active = (self._destination if mode == "pull" else self._source).endpoint
        if mode not in active.tpc:
            raise Unsupported(f"{active.rse} does not {mode}", side="transfer")
        before = await _look(self._source, source, algorithm)
        if before.size != size:
            # Nothing was copied yet, so this is the source's own word.
            said = f"{source} has {before.size} bytes before the copy, {size} were written"
            raise Corrupt(said, side="source", phase="verify")
        # An XRootD manager answers 400 to COPY for a name that it never heard of, and storages
        # overwrite when they are pushed to: so the destination's name is always looked up.
        if await self._destination.taken(destination):
            raise Exists(f"{destination} exists already", side="destination")
        await self._transfer(await self._order(source, destination, mode), destination)
        after = await _look(self._destination, destination, algorithm)
        return Copied(mode, _compared(before, after, algorithm))

    async def _order(self, source: str, destination: str, mode: Mode) -> Order:
        giver, taker = self._source.client, self._destination.client
        tokens = (await mint(giver, source, READ), await mint(taker, destination, WRITE))
        pull = mode == "pull"
        near, far = (destination, source) if pull else (source, destination)
        own, passed_on = tokens[::-1] if pull else tokens
        headers = {
            "Source" if pull else "Destination": wire(far),
            "Overwrite": "F",
            "Credential": "none",  # the active end must not ask for a delegation
        }
        if own:
            headers["Authorization"] = f"Bearer {own}"
        if passed_on:
            headers["TransferHeaderAuthorization"] = f"Bearer {passed_on}"
        known = tuple(token for token in tokens if token)
        active, passive = (taker, giver) if pull else (giver, taker)
        return Order(mode, near, far, active, passive, headers, known)

    async def _transfer(self, order: Order, destination: str) -> None:
        outcome = await _ask(order, order.near)
        error = _judged(order, outcome)
        if isinstance(error, Missing) and error.side == "destination":
            # A folder may be missing: make it where it is missed, which a redirector chose.
            near = named(outcome.hop)
            folder = parent(near if order.mode == "pull" else destination)
            if folder:
                await self._destination.mkdir(folder)
                error = _judged(order, await _ask(order, near))
                if order.mode == "pull" and isinstance(error, Missing):
                    said = f"{error.message}: it looks for a file to copy where it should make one"
                    error = Unsupported(said, code=error.code, side="destination", host=error.host)
        if error:
            raise error


async def _ask(order: Order, near: str) -> Outcome:
    """Send COPY to the active end, and follow it to its verdict."""
    try:
        async with order.active.open("COPY", near, order.headers) as (response, hop):
            if response.status in BEGUN:
                said = await verdict(response.content)
            else:
                said = text(response.headers, await read(response.content))
    except TimedOut as error:
        if error.phase == "request":
            error.side = "transfer"
        raise
    return Outcome(response.status, without(said, order.tokens), hop)


def _judged(order: Order, outcome: Outcome) -> DriverError | None:
    credential = order.active.credential
    if outcome.status not in BEGUN:
        side = order.active.side or "transfer"
        said = outcome.said
        if order.mode == "push" and outcome.status == 409 and "exist" not in said:
            said = f"COPY answered HTTP 409: it copies only within itself {said}".strip()
            return Unsupported(said, code=409, side=side, host=host_of(outcome.hop))
        return near_failure(outcome.status, said, outcome.hop, credential, side)
    if not outcome.said or outcome.said.lower().startswith("success"):
        return None  # what was copied is compared in any case
    side = order.passive.side or "transfer"
    error = far_failure(outcome.said, order.far, credential, order.mode, side)
    if error.side == order.active.side:
        error.host = host_of(outcome.hop)
    return error


async def _look(end: WebdavStorage, url: str, algorithm: Algorithm | None) -> Seen:
    wanted = None if end.endpoint.checksum == "none" else algorithm
    answer = await end.client.ask("HEAD", url, digest.wanted(wanted) if wanted else None)
    if answer.status != 200:
        raise end.client.failure(answer, "HEAD")
    length = answer.headers.get("Content-Length")
    size = int(length) if length else (await end.stat(url)).size
    return Seen(size, digest.found(answer.headers, wanted) if wanted else None)


def _compared(before: Seen, after: Seen, algorithm: Algorithm | None) -> str:
    """Give what both ends agree on; Corrupt where they do not."""
    if after.size != before.size:
        said = f"{before.size} bytes at the source, {after.size} at the destination"
        raise Corrupt(said, side="destination", phase="verify")
    if algorithm is None or before.checksum is None or after.checksum is None:
        return "size"
    if after.checksum != before.checksum:
        said = f"{algorithm} {before.checksum} at the source, {after.checksum} at the destination"
        raise Corrupt(said, side="destination", phase="verify")
    return algorithm
