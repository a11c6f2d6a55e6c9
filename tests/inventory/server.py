"""A web server on loopback that plays CRIC."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.inventory.samples import encoded


class Cric:
    """What it answers, and how often it was asked."""

    def __init__(self) -> None:
        self.content = b"{}"
        self.statuses: list[int] = []  # of the next answers; 200 once they are used up
        self.seconds = 0.0  # before each byte
        self.location = ""
        self.asked = 0
        self.url = ""

    def says(self, catalogue: Any) -> None:
        """Answer with a catalogue from now on."""
        self.content = encoded(catalogue)

    def lists(self, *names: str) -> None:
        """Answer with RSEs of these names."""
        self.says(
            {
                "rses": {
                    name: {
                        "country_name": "DE",
                        "protocols": [
                            {
                                "scheme": "davs",
                                "hostname": f"{name.lower()}.org",
                                "port": 443,
                                "prefix": "/x",
                            }
                        ],
                    }
                    for name in names
                }
            }
        )


@contextmanager
def serving() -> Iterator[Cric]:
    """Serve until the block ends."""
    cric = Cric()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cric.asked += 1
            status = cric.statuses.pop(0) if cric.statuses else 200
            self.send_response(status)
            if status in (301, 302):
                self.send_header("location", cric.location)
            self.send_header("content-length", str(len(cric.content)))
            self.end_headers()
            try:
                self._body()
            except OSError:  # the reader has left
                self.close_connection = True

        def _body(self) -> None:
            if not cric.seconds:
                self.wfile.write(cric.content)
                return
            for number in range(len(cric.content)):
                time.sleep(cric.seconds)
                self.wfile.write(cric.content[number : number + 1])

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cric.url = f"http://127.0.0.1:{server.server_address[1]}/rse/query/?json&preset=doma"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield cric
        finally:
            server.shutdown()
            thread.join()
