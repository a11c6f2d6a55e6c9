"""An FTS that answers what it is told to, and keeps what it was asked."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ROOT = {"api": {"major": 3, "minor": 14, "patch": 0}}
WHO = {
    "base_id": "01874efb-4735-4595-bc9c-591aef8240c9",
    "vos": ["escape"],
    "delegation_id": "0123456789abcdef",
}
Answer = tuple[int, Any]


class Recorded:
    """`answers` maps `METHOD /path` to an answer, or to what makes one."""

    def __init__(self, answers: dict[str, Answer | Callable[[], Answer]]) -> None:
        self.answers: dict[str, Answer | Callable[[], Answer]] = {
            "GET /": (200, ROOT),
            "GET /whoami": (200, WHO),
            **answers,
        }
        self.asked: list[str] = []
        self.url = ""

    def answer(self, call: str) -> Answer:
        self.asked.append(call)
        found = self.answers.get(call, (404, {"message": "nothing here"}))
        return found() if callable(found) else found


@contextmanager
def recorded(**answers: Any) -> Iterator[Recorded]:
    """Serve; keyword arguments are not needed, `answers` may be changed at any time."""
    fts = Recorded(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = "/" + self.path.lstrip("/").partition("?")[0]
            status, told = fts.answer(f"{self.command} {path}")
            body = told.encode() if isinstance(told, str) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = reply

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    fts.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fts
    finally:
        server.shutdown()
        server.server_close()


def slowly(seconds: float, answer: Answer) -> Callable[[], Answer]:
    """Give an answer after a while."""

    def wait() -> Answer:
        time.sleep(seconds)
        return answer

    return wait
