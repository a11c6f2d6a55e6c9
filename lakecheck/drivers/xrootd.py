"""XRootD's own client, for root:// endpoints."""

from __future__ import annotations

import importlib.util

from lakecheck.drivers.classify_xrootd import explain
from lakecheck.drivers.repeat import xrootd_command, xrootd_environment
from lakecheck.drivers.worker_session import WorkerSession
from lakecheck.errors import TesterFailed
from lakecheck.model import Algorithm, Credential, DriverChoice, Mode


class Xrootd:
    """XRootD's Python bindings in worker processes."""

    name = "xrootd"
    schemes: tuple[str, ...] = ("root", "roots", "xroot", "xroots")
    native = True

    def open(self, options: DriverChoice) -> WorkerSession:
        """Begin a session; TesterFailed where the bindings are not installed."""
        if importlib.util.find_spec("XRootD") is None:
            raise TesterFailed(
                "XRootD's bindings are not installed; run: pip install 'lakecheck[xrootd]'"
            )
        return WorkerSession("lakecheck.drivers.xrootd_calls", explain)

    def tools(
        self,
        step: str,
        url: str,
        other: str,
        credential: Credential,
        ca: str,
        mode: Mode = "pull",
        algorithm: Algorithm = "adler32",
    ) -> str:
        """Shell command (xrdcp, xrdfs) that repeats a step by hand."""
        return xrootd_command(step, url, other, algorithm)

    def environment(self, step: str, credential: Credential, ca: str) -> dict[str, str]:
        """Environment variables that the commands for a step need."""
        return xrootd_environment(step, credential, ca)


DRIVER = Xrootd()
