"""Connections to WebDAV storages, shared by all that a run does with them."""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from lakecheck.drivers.webdav_client import Client, Shared
from lakecheck.drivers.webdav_copy import WebdavCopier
from lakecheck.drivers.webdav_storage import WebdavStorage
from lakecheck.drivers.webdav_tls import Contexts, mend_abort
from lakecheck.errors import Side
from lakecheck.model import Credential, Endpoint

IDLE = 4  # seconds for which an unused connection is kept; Apache keeps them for 5


class WebdavSession:
    """One pool of connections for a run; how many are open is what the engine's limits say."""

    def __init__(self) -> None:
        mend_abort()
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=IDLE,
            ttl_dns_cache=60,
            # Older Pythons wait for ever for a hung server to agree that TLS ends.
            enable_cleanup_closed=sys.version_info < (3, 12, 7),
        )
        http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": "lakecheck"},
            auto_decompress=False,
            read_bufsize=1 << 20,
        )
        self._shared = Shared(http, Contexts())

    def storage(self, endpoint: Endpoint, credential: Credential, timeout: float) -> WebdavStorage:
        """Give an endpoint; connections are made when something is asked of it."""
        return self._storage(endpoint, credential, timeout, None)

    def copier(
        self, source: Endpoint, destination: Endpoint, credential: Credential, timeout: float
    ) -> WebdavCopier:
        """Prepare third-party copies over one link."""
        return WebdavCopier(
            self._storage(source, credential, timeout, "source"),
            self._storage(destination, credential, timeout, "destination"),
        )

    def _storage(
        self, endpoint: Endpoint, credential: Credential, timeout: float, side: Side | None
    ) -> WebdavStorage:
        return WebdavStorage(endpoint, Client(self._shared, endpoint.ca, credential, timeout, side))

    async def close(self) -> None:
        """End every connection."""
        await self._shared.http.close()
        await asyncio.sleep(0)  # transports are closed in the loop's next round
