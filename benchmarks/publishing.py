"""`lakecheck-publish` from start to end: one record to ActiveMQ, and to a server over HTTP.

An interpreter that does nothing is timed in turn with it: no client in Python is quicker.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from measure import seconds, verdict

from lakecheck.devlake import Lake

PROMISED = 0.2  # s
PUBLISH = str(Path(sys.executable).with_name("lakecheck-publish"))
NOTHING = (sys.executable, "-c", "pass")


class Server(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def measure(what: str, url: str, folder: Path, turns: int) -> None:
    """Time both in turn."""
    command = (
        PUBLISH,
        "--to",
        url,
        "--spool",
        str(folder / "spool"),
        "check=ping",
        "duration=0.25",
    )
    ours, nothing = [], []
    for _ in range(turns):
        nothing.append(seconds(NOTHING, folder))
        ours.append(seconds(command, folder))
    middle = median(ours)
    print(
        f"{what}: {turns} records, median {middle:.3f} s, longest {max(ours):.3f} s; the "
        f"interpreter alone {median(nothing):.3f} s: {middle / median(nothing):.1f} times"
    )
    verdict(f"{what}: seconds, median", middle, f"under {PROMISED}", middle < PROMISED)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40, help="records each")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=[], services=["activemq"]) as lake:
            given = lake.services["activemq"]
            where = given["url"].replace("://", f"://pub:{given['password']}@")
            measure("STOMP", f"{where}/queue/lakecheck.benchmark", folder, turns)
        with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            measure("HTTP", f"http://127.0.0.1:{server.server_port}/", folder, turns)
            server.shutdown()


if __name__ == "__main__":
    main()
