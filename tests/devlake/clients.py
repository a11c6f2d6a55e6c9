"""The field's own command lines, as a person at the keyboard would use them on a lake."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from lakecheck.devlake import Lake

# Without these XrdCl tries for minutes.
XRD_SETTINGS = {
    "XRD_CONNECTIONWINDOW": "3",
    "XRD_CONNECTIONRETRY": "1",
    "XRD_REQUESTTIMEOUT": "4",
    "XRD_STREAMTIMEOUT": "4",
    "XRD_TIMEOUTRESOLUTION": "1",
}
HUNG = -1000


class Clients:
    """Uploads to and downloads from one lake; a result is an exit code, or HUNG."""

    def __init__(self, lake: Lake, folder: Path, credential: bool = True) -> None:
        self.proxy = lake.proxy if credential else folder / "no-proxy"
        self.lake = lake
        self.content = b"what was written\n" * 6
        self.local = folder / "local"
        self.local.write_bytes(self.content)
        self.fetched = folder / "fetched"
        self.said = ""
        self.settings: dict[str, str] = {}

    def upload(self, url: str, hung_after: float = 20) -> int:
        """Write the local file to a URL."""
        if url.startswith("davs:"):
            return self._curl(["-T", str(self.local)], url, hung_after)
        if url.startswith("root:"):
            return self.run(["xrdcp", "-f", "-s", str(self.local), url], hung_after)
        return self.run(["gfal-copy", "-f", f"file://{self.local}", url], hung_after)

    def download(self, url: str, hung_after: float = 20) -> int:
        """Read a URL into the fetched file."""
        self.fetched.unlink(missing_ok=True)
        if url.startswith("davs:"):
            return self._curl(["-o", str(self.fetched)], url, hung_after)
        if url.startswith("root:"):
            return self.run(["xrdcp", "-f", "-s", url, str(self.fetched)], hung_after)
        return self.run(["gfal-copy", "-f", url, f"file://{self.fetched}"], hung_after)

    def stat(self, url: str, hung_after: float = 20) -> int:
        """Ask for a file's properties."""
        if url.startswith("davs:"):
            return self._curl(["-I", "-o", os.devnull], url, hung_after)
        return self.run(["gfal-stat", url], hung_after)

    def _curl(self, arguments: list[str], url: str, hung_after: float) -> int:
        ca = str(self.lake.ca / "ca-bundle.pem")
        command = ["curl", "-sS", "-f", "-L", "--cacert", ca, *arguments]
        if self.proxy.exists():
            command += ["--cert", str(self.proxy), "--key", str(self.proxy)]
        return self.run([*command, url.replace("davs:", "https:")], hung_after)

    def run(self, command: list[str], hung_after: float = 20) -> int:
        """Run a command with the lake's credential."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.local.parent),
            "GFAL_PYTHONBIN": "/usr/bin/python3",
            "X509_CERT_DIR": str(self.lake.ca),
            "X509_USER_PROXY": str(self.proxy),
            **XRD_SETTINGS,
            **self.settings,
        }
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=hung_after
            )
        except subprocess.TimeoutExpired:
            return HUNG
        self.said = done.stdout + done.stderr
        if "free(): invalid pointer" in self.said:
            # Debian's gfal2 now and then breaks down as it leaves a gsiftp session.
            return self.run(command, hung_after)
        return done.returncode
