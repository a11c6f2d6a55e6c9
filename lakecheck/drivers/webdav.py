"""The native driver for WebDAV storages: HTTP in the engine's own loop, by aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakecheck.drivers.webdav_tools import command
from lakecheck.drivers.webdav_urls import SCHEMES
from lakecheck.model import Algorithm, Credential, DriverChoice, Mode

if TYPE_CHECKING:
    from lakecheck.drivers.webdav_session import WebdavSession


class WebdavDriver:
    """Speaks WebDAV and HTTP third-party copy."""

    name = "webdav"
    schemes: tuple[str, ...] = tuple(SCHEMES)
    native = True

    def open(self, options: DriverChoice) -> WebdavSession:
        """Begin a session on the running event loop."""
        # aiohttp takes longer to import than a small run to plan.
        from lakecheck.drivers.webdav_session import WebdavSession

        return WebdavSession()

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
        """Give the curl command that repeats a step."""
        return command(step, url, other, credential, ca, mode, algorithm)

    def environment(self, step: str, credential: Credential, ca: str) -> dict[str, str]:
        """No variables: curl takes all it needs as options."""
        return {}


DRIVER = WebdavDriver()
