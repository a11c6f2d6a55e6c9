"""A WebDAV storage in this process that redirects as it is told, and notes what it was sent."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Callable
from pathlib import Path

from aiohttp import StreamReader, web
from msgspec import Struct

from lakecheck.devlake import pki
from lakecheck.model import Credential, Endpoint

TOKEN = "secret-macaroon-of-"
LISTING = (
    '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>{}</D:href>'
    "<D:propstat><D:prop><D:getcontentlength>{}</D:getcontentlength></D:prop>"
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
)


class Keys(Struct, frozen=True):
    """A CA folder, a host's context that asks for proxies, and a proxy."""

    ca: str
    server: ssl.SSLContext
    credential: Credential


def make_keys(folder: Path) -> Keys:
    authority = pki.make_authority("Fake CA")
    host, user = pki.make_host(authority), pki.make_user(authority, "Robot")
    pki.write_folder(authority, folder / "ca")
    (folder / "host").write_bytes(host.certificate_pem + host.key_pem)
    pki.write_private(folder / "proxy", pki.make_proxy(user), None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "host")
    context.load_verify_locations(capath=str(folder / "ca"))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
    credential = Credential("robot", "x509", str(folder / "proxy"))
    return Keys(str(folder / "ca"), context, credential)


class Request(Struct, frozen=True):
    """A request as it came; `body` counts what was sent of it."""

    method: str
    path: str
    secrets: dict[str, str]
    proxy: bool
    body: StreamReader


class FakeStorage:
    """One server; `redirect` gives where a request is sent on, None: it is answered here."""

    def __init__(self, name: str, tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self.files: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.redirect: Callable[[web.Request], str | None] = lambda request: None
        self.verdict: Callable[[web.Request], str] = lambda request: "success: Created"
        self.silent = False
        self.port = 0
        self._tls = tls
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def endpoint(self, ca: str) -> Endpoint:
        scheme = "davs" if self._tls else "dav"
        url = f"{scheme}://{self.host}/data"
        return Endpoint(self.name, url, scheme, "127.0.0.1", self.port, "/data", scheme, ca=ca)

    async def __aenter__(self) -> FakeStorage:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._runner
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(self._seen(request))
        if self.silent:
            await asyncio.sleep(60)
        location = self.redirect(request)
        if location is not None:
            return web.Response(status=307, headers={"Location": location})
        return await self._answer(request, request.path)

    def _seen(self, request: web.Request) -> Request:
        assert request.transport
        secrets = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in ("authorization", "transferheaderauthorization")
        }
        proxy = bool(request.transport.get_extra_info("peercert"))
        return Request(request.method, request.path_qs, secrets, proxy, request.content)

    async def _answer(self, request: web.Request, path: str) -> web.StreamResponse:
        if request.method == "PUT":
            self.files[path] = await request.read()
            return web.Response(status=201)
        if request.method == "POST":
            return web.json_response({"macaroon": TOKEN + self.name, "expires_in": 600})
        if request.method == "COPY":
            self.files.setdefault(path, b"pulled")
            return web.Response(status=201, text=f"Perf Marker\nEnd\n{self.verdict(request)}\n")
        if path not in self.files:
            return web.Response(status=404, text="not here")
        body = self.files[path]
        if request.method == "PROPFIND":
            return web.Response(status=207, text=LISTING.format(path, len(body)))
        return web.Response(body=body, headers={"Digest": f"adler32={zlib.adler32(body):08x}"})
