"""HTTP requests for one endpoint and credential: redirects, TLS, errors, and what stays secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from urllib.parse import unquote

import aiohttp
from msgspec import Struct
from yarl import URL

from lakecheck.drivers import classify
from lakecheck.drivers.webdav_errors import FOREIGN, Hop, translated
from lakecheck.drivers.webdav_tls import Contexts
from lakecheck.drivers.webdav_urls import encrypted, joined, named, origin, wire
from lakecheck.errors import DriverError, ProtocolError, Side, TlsFailed
from lakecheck.model import Credential

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 5
SECRET_HEADERS = frozenset({"Authorization", "TransferHeaderAuthorization"})
ROOM = 1 << 26  # more of an answer than this is not kept in memory

Body = Callable[[str], bytes | aiohttp.Payload | None]  # what to send to an HTTP URL


class Shared(Struct):
    """What all clients of a session share, and what they learn of servers on their way."""

    http: aiohttp.ClientSession
    contexts: Contexts
    redirecting: dict[str, bool] = {}  # by address: does it redirect uploads?
    written: set[str] = set()  # files that this session wrote and did not delete
    hanging_up: set[str] = set()  # addresses that say "not found" and close the connection
    long: set[str] = set()  # folders that are not listed just to look for one name


class Answer(Struct, frozen=True):
    """An answer read to its end; `hop` is the URL that gave it, after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    hop: str

    @property
    def server(self) -> str:
        """What the server calls itself."""
        return self.headers.get("Server", "")

    @property
    def text(self) -> str:
        """The body as text."""
        return text(self.headers, self.body)


class Client:
    """Sends requests with one credential; only DriverErrors come out of it."""

    def __init__(
        self,
        shared: Shared,
        ca: str,
        credential: Credential,
        timeout: float,
        side: Side | None = None,
    ) -> None:
        self.shared = shared
        self.credential = credential
        self.side = side
        self._ca = ca
        self.timeout = timeout
        self._limits = aiohttp.ClientTimeout(sock_connect=timeout, sock_read=timeout)

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        room: int = ROOM,
    ) -> Answer:
        """Send a request to a name, and read up to `room` bytes; any status is an answer."""
        async with self.open(method, url, headers, body) as (response, hop):
            content = await read(response.content, room)
            return Answer(response.status, response.headers, content, hop)

    def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Exchange:
        """Send a request to a name, and give the answer to be read, with the URL it is from."""
        hop = Hop(wire(url), self.side, self.timeout)
        return Exchange(self, method, hop, dict(headers or {}), body)

    async def follow(
        self, method: str, hop: Hop, headers: dict[str, str], body: Body | None
    ) -> aiohttp.ClientResponse:
        """Send a request and follow redirects; `hop` is moved on with them."""
        for _ in range(HOPS + 1):
            response = await self._send(method, hop.url, headers, body)
            redirected = response.status in REDIRECTS and "Location" in response.headers
            if method == "PUT":
                self.shared.redirecting[origin(hop.url)] = redirected
            if not redirected:
                return response
            if body:
                response.close()  # the rest of the body is not for this server
            else:
                response.release()
            following = joined(hop.url, response.headers["Location"])
            headers = self._passed_on(headers, hop, following)
            hop.url = following
        host = classify.host_of(hop.url)
        raise ProtocolError(f"redirected more than {HOPS} times", side=hop.side, host=host)

    async def _send(
        self, method: str, hop: str, headers: Mapping[str, str], body: Body | None
    ) -> aiohttp.ClientResponse:
        tls = self.shared.contexts.get(self._ca, self.credential) if encrypted(hop) else True

        async def attempt() -> aiohttp.ClientResponse:
            return await self.shared.http.request(
                method,
                URL(hop, encoded=True),
                headers=headers,
                data=body(hop) if body else None,
                allow_redirects=False,
                ssl=tls,
                timeout=self._limits,
            )

        try:
            return await attempt()
        except aiohttp.ServerDisconnectedError:
            if method != "PROPFIND":
                raise
            # A kept connection may end in the moment in which it is used again: that is no
            # failure of the server (RFC 9112, 9.3.1). aiohttp knows it of GET, HEAD, PUT, DELETE.
            return await attempt()

    def _passed_on(self, headers: dict[str, str], hop: Hop, following: str) -> dict[str, str]:
        """Give the headers for the next server: nothing secret leaves TLS."""
        host = classify.host_of(following)
        if not following.startswith(("https://", "http://")):
            said = f"redirected to {named(following)}, which is not HTTP"
            raise ProtocolError(said, side=hop.side, host=host)
        if encrypted(following):
            return headers
        for secret in (headers[name] for name in SECRET_HEADERS & headers.keys()):
            if secret.removeprefix("Bearer ") in unquote(following):
                said = f"would have us send our token unencrypted to {named(following)}"
                raise TlsFailed(said, side=hop.side, phase="redirect", host=host)
        return {name: value for name, value in headers.items() if name not in SECRET_HEADERS}

    def failure(self, answer: Answer, method: str) -> DriverError:
        """Give the error that an answer stands for."""
        url, credential = answer.hop, self.credential
        return classify.http(answer.status, answer.text, url, credential, method, side=self.side)


class Exchange:
    """`async with`: a request and its answer. A class, since every check enters one."""

    def __init__(
        self, client: Client, method: str, hop: Hop, headers: dict[str, str], body: Body | None
    ) -> None:
        self._client = client
        self._method = method
        self._hop = hop
        self._headers = headers
        self._body = body

    async def __aenter__(self) -> tuple[aiohttp.ClientResponse, str]:
        """Send, and give the answer with the URL that it is from."""
        try:
            self._response = await self._client.follow(
                self._method, self._hop, self._headers, self._body
            )
        except FOREIGN as error:
            raise translated(error, self._hop, self._client.credential) from None
        return self._response, self._hop.url

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the connection serve the next request, unless this answer was not read."""
        if error is None:
            self._response.release()
            return
        self._response.close()
        if isinstance(error, FOREIGN):
            raise translated(error, self._hop, self._client.credential) from None


def text(headers: Mapping[str, str], body: bytes) -> str:
    """Give a body as text; nothing for a page of HTML, which says no more than the status."""
    html = "html" in headers.get("Content-Type", "")
    return "" if html else body.decode("utf-8", "replace")


async def read(content: aiohttp.StreamReader, room: int = ROOM) -> bytes:
    """Read a body to its end, or as much of it as is worth keeping."""
    pieces = []
    while room > 0 and (piece := await content.read(room)):
        pieces.append(piece)
        room -= len(piece)
    return b"".join(pieces)
