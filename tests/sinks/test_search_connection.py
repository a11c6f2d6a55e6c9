"""Connections to a store are used again, however it marks the end of its answers."""

from __future__ import annotations

import http.server
import threading
from typing import Any

import pytest

from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.search_connection import Connection


class _Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        seen.add(self.client_address)
        body = b'{"a":1}'
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("transfer-encoding", "chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


seen: set[tuple[str, int]] = set()


@pytest.mark.parametrize("path", ["chunked", "counted"])
def test_a_connection_is_used_again(path: str) -> None:
    seen.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        connection = Connection(Options(url=f"http://127.0.0.1:{server.server_port}"))
        answers = [connection.ask("GET", path).content for _ in range(5)]
        connection.close()
        server.shutdown()
        thread.join()
    assert answers == [{"a": 1}] * 5
    assert len(seen) == 1
