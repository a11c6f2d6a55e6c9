"""Small HTTP servers of tests, with certificates as the tests want them."""

from __future__ import annotations

import contextlib
import datetime
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import pki


class Page:
    """What a path answers."""

    def __init__(
        self, body: Any = "", status: int = 200, delay: float = 0.0, **headers: str
    ) -> None:
        self.status, self.delay, self.headers = status, delay, headers
        plain = isinstance(body, str)
        self.kind = "text/plain" if plain else "application/json"
        self.body = (body if plain else json.dumps(body)).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that do not trust it hang up: that is the test."""


@contextlib.contextmanager
def site(pages: Mapping[str, Page], certificate: Path | None = None) -> Iterator[str]:
    """Serve pages; gives the URL without a slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path, Page("nothing here", 404))
            time.sleep(page.delay)
            with contextlib.suppress(OSError):
                self.send_response(page.status)
                for name, value in {"Content-Type": page.kind, **page.headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

        do_OPTIONS = do_GET

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def host_certificate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lasting: datetime.timedelta
) -> tuple[Path, Path]:
    """Make a host's certificate that lasts so long from now; gives it and its CA's."""
    authority = pki.make_authority("Test CA")
    monkeypatch.setattr(pki, "LIFETIME", lasting)
    host = pki.make_host(authority)
    certificate, ca = folder / "host.pem", folder / "ca.pem"
    certificate.write_bytes(host.certificate_pem + host.key_pem)
    ca.write_bytes(authority.certificate_pem)
    return certificate, ca
