"""TLS of the WebDAV driver, on whatever Python runs it."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto

from lakecheck.drivers.webdav_tls import mend_abort


async def ended_transport() -> asyncio.Transport:
    """A TLS transport that was closed twice, as one is whose server hung up."""
    context = ssl.create_default_context()
    loop = asyncio.get_running_loop()
    protocol = sslproto.SSLProtocol(  # type: ignore[attr-defined]
        loop, asyncio.Protocol(), context, None, server_hostname="localhost"
    )
    transport: asyncio.Transport = protocol._get_app_transport()
    transport.close()
    transport.close()
    return transport


def test_a_transport_that_has_ended_can_be_aborted() -> None:
    mend_abort()
    mend_abort()

    async def abort() -> bool:
        transport = await ended_transport()
        transport.abort()
        return transport.is_closing()

    assert asyncio.run(abort())
