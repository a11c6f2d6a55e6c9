"""One WebDAV endpoint: files and folders over HTTP."""

from __future__ import annotations

from contextlib import ExitStack
from typing import IO

import aiohttp

from lakecheck.drivers import webdav_digest as digest
from lakecheck.drivers.base import Entry, Payload, Stat
from lakecheck.drivers.webdav_body import AT_ONCE, Comparison, Upload, receive
from lakecheck.drivers.webdav_client import Answer, Client
from lakecheck.drivers.webdav_urls import origin, parent, path_of, split, wire
from lakecheck.drivers.webdav_xml import names, responses
from lakecheck.errors import (
    Corrupt,
    DriverError,
    Exists,
    Missing,
    ProtocolError,
    TesterFailed,
    Unsupported,
)
from lakecheck.model import Algorithm, Endpoint

NO_WEBDAV = frozenset({405, 501})
SHORT = 1 << 16  # bytes of a listing that is short
# Seconds for which the first byte of a large upload waits for a redirect, as curl does: long
# where the address is known to redirect, none where it is known not to.
PATIENCE = {True: 5.0, False: 0.0, None: 1.0}


class WebdavStorage:
    """Files and folders of one endpoint, with one credential."""

    def __init__(self, endpoint: Endpoint, client: Client) -> None:
        self.endpoint = endpoint
        self.client = client
        self._shared = client.shared

    async def put(self, url: str, payload: Payload, fresh: bool = False) -> None:
        """Upload; makes missing folders; Exists where the name is taken.

        XRootD overwrites whatever the headers say, so the name is looked up first; servers
        that honour `If-None-Match` close the gap between look and upload.
        """
        if not fresh and await self._taken(url):
            raise Exists(f"{url} exists already", host=split(url)[0].partition("://")[2])
        with ExitStack() as stack:
            try:
                file = stack.enter_context(open(payload.path, "rb"))
                at_once = file.read() if payload.size <= AT_ONCE else None
            except OSError as error:
                raise TesterFailed(f"{payload.path}: {error.strerror}") from None
            answer = await self._send(url, payload, file, at_once)
            folder = parent(url)
            if answer.status in (404, 409) and folder and "exist" not in answer.text:
                await self.mkdir(folder)
                answer = await self._send(url, payload, file, at_once)
        if answer.status not in (200, 201, 202, 204):
            raise self.client.failure(answer, "PUT")
        self._shared.written.add(url)

    async def _taken(self, url: str) -> bool:
        """Whether a name is there, as cheaply as can be.

        XRootD closes the connection when it answers 404, and a new TLS handshake costs more
        than all requests of a case: there a short folder is listed instead.
        """
        shared, folder, address = self._shared, parent(url), origin(wire(url))
        # What a redirector says of folders is old, or what one of its servers has.
        direct = shared.redirecting.get(address) is False
        if folder and direct and address in shared.hanging_up and folder not in shared.long:
            listed = await self._among(url, folder)
            if listed is not None:
                return listed
            shared.long.add(folder)
        return await self.taken(url)

    async def taken(self, url: str) -> bool:
        """Whether a name is there; asks for just this name."""
        answer = await self.client.ask("PROPFIND", url, {"Depth": "0"})
        if answer.status in (404, 410):
            if answer.headers.get("Connection", "").lower() == "close":
                self._shared.hanging_up.add(origin(wire(url)))
            return False
        if answer.status in NO_WEBDAV:
            return await self._find(url) is not None
        if answer.status != 207:
            raise self.client.failure(answer, "PROPFIND")
        return True

    async def _among(self, url: str, folder: str) -> bool | None:
        """Whether a folder's listing has a name; None where the listing cannot tell."""
        answer = await self.client.ask("PROPFIND", folder + "/", {"Depth": "1"}, room=SHORT)
        if answer.status == 404:
            return False
        if answer.status != 207 or len(answer.body) >= SHORT:
            return None
        return path_of(url) in names(answer.body, answer.server)

    async def _send(
        self, url: str, payload: Payload, file: IO[bytes], at_once: bytes | None
    ) -> Answer:
        def body(hop: str) -> bytes | aiohttp.Payload:
            if at_once is not None:
                return at_once
            patience = PATIENCE[self._shared.redirecting.get(origin(hop))]
            return Upload(file, payload, patience, self.client.timeout)

        return await self.client.ask("PUT", url, {"If-None-Match": "*"}, body)

    async def get(self, url: str, payload: Payload | None = None, into: str | None = None) -> int:
        """Download, give the bytes read; Corrupt where content differs from the payload's."""
        with ExitStack() as stack:
            try:
                wanted = stack.enter_context(open(payload.path, "rb")) if payload else None
                copy = stack.enter_context(open(into, "wb")) if into else None
            except OSError as error:
                raise TesterFailed(f"{error.filename}: {error.strerror}") from None
            comparison = Comparison(wanted, copy, payload.size if payload else 0)
            async with self.client.open("GET", url) as (response, hop):
                if response.status != 200:
                    text = await response.content.read(AT_ONCE)
                    answer = Answer(response.status, response.headers, text, hop)
                    raise self.client.failure(answer, "GET")
                try:
                    await receive(response.content, comparison)
                except Corrupt as error:
                    error.host = split(hop)[0].partition("://")[2]
                    raise
        return comparison.count

    async def stat(self, url: str) -> Stat:
        """Size and type of a name; Missing where there is none."""
        answer = await self.client.ask("PROPFIND", url, {"Depth": "0"})
        if answer.status == 207:
            for _, found in responses(answer.body, answer.server):
                return found
            raise ProtocolError(f"PROPFIND of {url} tells nothing")
        if answer.status in NO_WEBDAV:
            answer = await self.client.ask("HEAD", url)
            if answer.status == 200:
                return Stat(int(answer.headers.get("Content-Length", 0)))
        raise self.client.failure(answer, "PROPFIND")

    async def _find(self, url: str) -> Stat | None:
        try:
            return await self.stat(url)
        except Missing:
            return None

    async def checksum(self, url: str, algorithm: Algorithm) -> str:
        """Hex digits, lower case, as the storage tells them; Unsupported where it cannot."""
        if self.endpoint.checksum == "none":
            raise Unsupported(f"{self.endpoint.rse} has no checksums")
        answer = await self.client.ask("HEAD", url, digest.wanted(algorithm))
        if answer.status != 200:
            raise self.client.failure(answer, "HEAD")
        value = digest.found(answer.headers, algorithm)
        if value is None:
            host = split(answer.hop)[0].partition("://")[2]
            raise Unsupported(f"{host} tells no {algorithm} checksum", host=host)
        return value

    async def delete(self, url: str) -> None:
        """Remove a file, or an empty folder; Missing where there is none.

        A DELETE of a folder takes all that is in it along (RFC 4918, 9.6.1), so what this
        session did not write itself is looked at first.
        """
        if url not in self._shared.written:
            found = await self.stat(url)
            if found.is_folder and await self.list(url):
                raise ProtocolError(f"{url} is not empty")
        self._shared.written.discard(url)
        answer = await self.client.ask("DELETE", url)
        if answer.status not in (200, 202, 204):
            raise self.client.failure(answer, "DELETE")

    async def list(self, url: str) -> tuple[Entry, ...]:
        """Names in a folder, sorted."""
        answer = await self.client.ask("PROPFIND", url.rstrip("/") + "/", {"Depth": "1"})
        if answer.status != 207:
            raise self.client.failure(answer, "PROPFIND")
        own = path_of(url)
        entries = []
        for path, found in responses(answer.body, answer.server):
            if path != own:
                entries.append(Entry(path.rpartition("/")[2], found.is_folder))
            elif not found.is_folder:
                raise Missing(f"{url} is a file, not a folder")
        return tuple(sorted(entries, key=lambda entry: entry.name))

    async def mkdir(self, url: str) -> None:
        """Make a folder and its parents; no error where it is there already."""
        answer = await self.client.ask("MKCOL", url)
        folder = parent(url)
        if answer.status in (404, 409) and folder and "exist" not in answer.text:
            await self.mkdir(folder)
            answer = await self.client.ask("MKCOL", url)
        if answer.status in (200, 201):
            return
        # It may be there already, or another call made it in this moment: Apache then says 403.
        try:
            found = await self.stat(url)
        except DriverError:
            raise self.client.failure(answer, "MKCOL") from None
        if not found.is_folder:
            raise Exists(f"{url} exists already, and is a file")
