"""The two listeners of the transfer service, and all that works behind them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from pathlib import Path

from aiohttp import web

from lakecheck.devlake.fts import BANNER
from lakecheck.devlake.fts.answering import Parts, middleware
from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.fts.credentials import Credentials
from lakecheck.devlake.fts.faults import Faults
from lakecheck.devlake.fts.jobs import Jobs
from lakecheck.devlake.fts.others import Others
from lakecheck.devlake.fts.scheduler import LOG, Scheduler
from lakecheck.devlake.fts.store import Store
from lakecheck.drivers.gfal2 import DRIVER
from lakecheck.model import DriverChoice

LARGEST = 64 * 2**20  # bytes of a submission
LONGEST = 2**20  # bytes of a request line: ids of many jobs stand in it
STOP_WITHIN = 0.5  # seconds for answers under way


def tls(config: Config) -> ssl.SSLContext:
    """Make the context of the https listener: clients may show a certificate or a proxy."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config.certificate, config.key)
    context.load_verify_locations(cafile=f"{config.ca}/ca-bundle.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags.VERIFY_ALLOW_PROXY_CERTS
    return context


async def serve(config: Config) -> None:
    """Serve until told to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    LOG.info("%s", BANNER)
    store, session = Store(config.database), DRIVER.open(DriverChoice())
    again = store.recover()
    if again:
        LOG.info("files under way when the service ended, to be copied anew: %d", again)
    faults, credentials = Faults(Path(config.fault)), Credentials(store, config)
    scheduler = Scheduler(store, config, session, credentials, faults)
    parts = Parts(config, store, faults, credentials, scheduler)
    work = asyncio.create_task(scheduler.run())
    runner = await _listen(config, parts)
    try:
        waiting = asyncio.create_task(ended.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if work.done():
            work.result()  # what stopped it; the lake starts the service again
    finally:
        work.cancel()
        await scheduler.stop()
        await session.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(runner.cleanup(), 2 * STOP_WITHIN)
        store.close()


async def _listen(config: Config, parts: Parts) -> web.AppRunner:
    application = web.Application(middlewares=[middleware(parts.faults)], client_max_size=LARGEST)
    application.add_routes([*Jobs(parts).routes(), *Others(parts).routes()])
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=STOP_WITHIN,
        max_line_size=LONGEST,
        max_field_size=LONGEST,
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", config.plain).start()
    await web.TCPSite(runner, "127.0.0.1", config.https, ssl_context=tls(config)).start()
    LOG.info("https://127.0.0.1:%d and http://127.0.0.1:%d answer", config.https, config.plain)
    return runner
