"""gfal2: the library with which grid sites are used, for every protocol that it speaks."""

from __future__ import annotations

import importlib.util

from lakecheck.drivers.classify_gfal2 import explain
from lakecheck.drivers.repeat import gfal2_command, gfal2_environment
from lakecheck.drivers.worker_session import WorkerSession
from lakecheck.errors import TesterFailed
from lakecheck.model import Algorithm, Credential, DriverChoice, Mode


class Gfal2:
    """gfal2 in worker processes."""

    name = "gfal2"
    schemes: tuple[str, ...] = ("root", "davs", "gsiftp", "https", "roots", "xroot", "srm")
    native = False

    def open(self, options: DriverChoice) -> WorkerSession:
        """Begin a session; TesterFailed where gfal2 is not installed."""
        if importlib.util.find_spec("gfal2") is None:
            raise TesterFailed(
                "gfal2 is not installed for this Python; on Debian: apt-get install python3-gfal2"
                " gfal2-plugin-http gfal2-plugin-xrootd gfal2-plugin-gridftp gfal2-plugin-file,"
                " then link its one .so file into this environment"
            )
        return WorkerSession("lakecheck.drivers.gfal2_calls", explain)

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
        """Shell command (gfal-copy and its like) that repeats a step by hand."""
        return gfal2_command(step, url, other, credential, mode, algorithm)

    def environment(self, step: str, credential: Credential, ca: str) -> dict[str, str]:
        """Environment variables that the commands for a step need."""
        return gfal2_environment(credential, ca)


DRIVER = Gfal2()
