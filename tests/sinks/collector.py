"""The other side of the HTTP sink: keeps what is posted, or answers as a test says.

`python collector.py PORT FILE` writes one id a line, on disk before it answers.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str], str]
Behaviour = Callable[["Request"], Answer | None]


class Request:
    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path, self.headers, self.body = path, headers, body

    @property
    def documents(self) -> list[dict[str, Any]]:
        plain = gzip.decompress(self.body) if "Content-Encoding" in self.headers else self.body
        found: list[dict[str, Any]] = json.loads(plain)
        return found


class Collector(ThreadingHTTPServer):
    """Takes all, unless `behaviour` gives another answer."""

    daemon_threads = True

    def __init__(self, port: int = 0, behaviour: Behaviour = lambda request: None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.taken: list[dict[str, Any]] = []
        self.file: Path | None = None
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/in"

    def take(self, request: Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            answer = self.behaviour(request)
            if answer is not None:
                return answer
            if self.file is None:
                self.taken += request.documents
            else:
                with self.file.open("a") as file:
                    file.writelines(f"{each['_id']}\n" for each in request.documents)
                    file.flush()
                    os.fsync(file.fileno())
            return 200, {}, "OK"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(self.path, dict(self.headers.items()), body)
        status, headers, words = self.server.take(request)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(words.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(words.encode())

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    while True:
        try:
            collector = Collector(int(sys.argv[1]))
            break
        except OSError:  # the port is still being freed
            time.sleep(0.05)
    collector.file = Path(sys.argv[2])
    collector.serve_forever()


if __name__ == "__main__":
    main()
