"""How the service answers: JSON as FTS writes it, errors as objects, faults before all else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from lakecheck.devlake.fts import caller
from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.fts.credentials import Credentials
from lakecheck.devlake.fts.faults import Faults
from lakecheck.devlake.fts.refusal import NEED_DELEGATION, Refused, phrase
from lakecheck.devlake.fts.scheduler import LOG, Scheduler
from lakecheck.devlake.fts.store import Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CONTROL = "/lake/"
_FAILURES = {"http-500": 500, "http-503": 503}


class Parts:
    """What the handlers of requests work with."""

    def __init__(
        self,
        config: Config,
        store: Store,
        faults: Faults,
        credentials: Credentials,
        scheduler: Scheduler,
    ) -> None:
        self.config = config
        self.store = store
        self.faults = faults
        self.credentials = credentials
        self.scheduler = scheduler

    def caller(self, request: web.Request) -> caller.Caller:
        """Find out who asks; Refused where a token is unknown."""
        return caller.of(request, self.config.tokens)


def answer(content: Any, status: int = 200) -> web.Response:
    """Give JSON."""
    body = msgspec.json.encode(content)
    reason = phrase(status) if status == NEED_DELEGATION else None
    return web.Response(body=body, status=status, reason=reason, content_type="application/json")


def refusal(refused: Refused) -> web.Response:
    """Give an error as FTS does."""
    return answer({"status": refused.line, "message": refused.message}, refused.status)


def middleware(faults: Faults) -> Any:
    """Make what surrounds every handler: faults, and errors as JSON."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not request.path.startswith(CONTROL):
                await _misbehave(request, faults)
            return await handler(request)
        except Refused as refused:
            return refusal(refused)
        except web.HTTPException as error:
            return refusal(Refused(error.status, error.reason))
        except Exception:
            LOG.exception("%s %s could not be answered", request.method, request.path)
            return refusal(Refused(500, "The transfer service failed; its log tells more"))

    return around


async def _misbehave(request: web.Request, faults: Faults) -> None:
    kind = faults.now.kind
    if kind == "hang":
        await asyncio.Event().wait()
    if kind in _FAILURES:
        raise Refused(_FAILURES[kind], f"The transfer service was told to answer so: {kind}")
    if kind == "419" and request.method in ("POST", "PUT") and request.path.endswith("/jobs"):
        raise Refused(NEED_DELEGATION, "No delegation found: the service was told to say so")
