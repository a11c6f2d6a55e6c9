"""Planted secrets appear in no output."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import by_address, lakecheck, write

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
MACAROON = "MDAxY2xvY2F0aW9uIE9wdGlvbmFsLmVtcHR5CjAwMThpZGVudGlmaWVyIHNlY3JldAo"
BEARER = "opaque-token-of-the-robot"
PASSWORD = "correct-horse-battery"
URL = f"https://robot:{PASSWORD}@storage.example.org/x"


class Leaky:
    """An endpoint over TLS that answers everything with an error that tells secrets."""

    def __init__(self, lake: Lake, words: str) -> None:
        self._words = words.encode()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        host = lake.ca.parent / "LAKE-1"
        self._context.load_cert_chain(host / "host.pem", host / "host.key")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with self._context.wrap_socket(connection, server_side=True) as client:
                client.settimeout(5)
                while client.recv(65536):
                    head = f"HTTP/1.1 500 {self._words.decode()}\r\nContent-Length: "
                    body = self._words
                    client.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body)
        except OSError:
            return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def key_lines(pair: Lake) -> list[str]:
    """Lines of the proxy's private key."""
    text = pair.proxy.read_text()
    block = text.split("PRIVATE KEY-----")[1]
    return [line for line in block.splitlines() if len(line) > 20]


@pytest.fixture
def leaky(pair: Lake, key_lines: list[str]) -> Iterator[Leaky]:
    words = (
        f"refused {JWT} and {MACAROON} Authorization: Bearer {BEARER} at {URL}"
        f" key {key_lines[0]} or {key_lines[-1]} ?authz=Bearer%20{JWT}"
    )
    server = Leaky(pair, words)
    yield server
    server.close()


@pytest.mark.parametrize("driver", ["native", "gfal2"])
def test_in_no_output(
    pair: Lake, leaky: Leaky, key_lines: list[str], tmp_path: Path, driver: str
) -> None:
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {pair.ca}\n  rses:\n"
        f"    LEAKY: {{endpoints: ['davs://127.0.0.1:{leaky.port}/x'], credential: robot}}\n"
        f"    GOOD: {{endpoints: ['{pair.rses['LAKE-1'].davs}']}}\n"
        f"credentials:\n  robot: {{x509: {{proxy: {pair.proxy}}}}}\n"
        f"tests:\n  f: {{kind: functional, driver: {driver}, timeout: 20s}}\n"
        f"  c: {{kind: tpc, driver: {driver}, timeout: 20s, sizes: [1kB]}}\n"
    )
    secrets = [JWT, MACAROON, BEARER, PASSWORD, *key_lines]

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path, BEARER_TOKEN=BEARER)

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    told = found["f::LEAKY.davs.100B.upload"]["error.message"]
    assert "***" in told or driver == "gfal2"  # which tells no more than the number 500
    outputs = {"stdout": done.stdout, "stderr": done.stderr} | {
        file.name: file.read_text() for file in (tmp_path / "out").iterdir()
    }
    assert {"junit.xml", "report.html", "run.log", "results.ndjson"} <= set(outputs)
    for name, output in outputs.items():
        for secret in secrets:
            assert secret not in output, f"{secret} in {name}"
            assert base64.b64encode(secret.encode()).decode() not in output
