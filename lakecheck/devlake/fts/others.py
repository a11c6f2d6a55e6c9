"""The calls beside jobs: the banner, who asks, delegation, logs, and the lake's own."""

from __future__ import annotations

import hmac
import uuid
from pathlib import Path

from aiohttp import web

from lakecheck.devlake.fts import BANNER, faults
from lakecheck.devlake.fts.answering import CONTROL, Parts, answer
from lakecheck.devlake.fts.caller import BASE_ID, VO, Caller
from lakecheck.devlake.fts.jobs import SLASH, decoded
from lakecheck.devlake.fts.log import PREFIX
from lakecheck.devlake.fts.refusal import Refused
from lakecheck.errors import UsageError

# The interface that is spoken; FTS's REST server says so of itself.
API = {"major": 3, "minor": 14, "patch": 0}


class Others:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._credentials = parts.credentials

    def routes(self) -> list[web.RouteDef]:
        """Give the calls."""
        delegation = SLASH + "delegation/{id}"
        return [
            web.get(SLASH, self.banner),
            web.get(SLASH + "whoami", self.whoami),
            web.get(delegation, self.delegation),
            web.delete(delegation, self.forget),
            web.get(delegation + "/request", self.request),
            web.put(delegation + "/credential", self.accept),
            web.post(delegation + "/credential", self.accept),
            web.get(SLASH + PREFIX[1:] + "{name:.+}", self.log),
            web.get(CONTROL + "fault", self.fault),
            web.put(CONTROL + "fault", self.misbehave),
        ]

    async def banner(self, request: web.Request) -> web.Response:
        """Say what this is, and which interface it speaks."""
        versions = {"api": API, "delegation": {"major": 1, "minor": 0, "patch": 0}}
        return answer({**versions, "core": API, "schema": API, "stand_in": BANNER})

    async def whoami(self, request: web.Request) -> web.Response:
        """Tell callers who they are."""
        caller = self._parts.caller(request)
        named = self._credentials.named(caller)
        return answer(
            {
                "user_dn": named.dn,
                "dn": [named.dn],
                "base_id": str(BASE_ID),
                "vos": [VO],
                "vos_id": [str(uuid.uuid5(BASE_ID, VO))],
                "delegation_id": caller.delegation_id,
                "method": caller.method,
                "is_root": False,
                "level": {"transfer": "vo"},
                "roles": [],
                "voms_cred": [],
            }
        )

    async def delegation(self, request: web.Request) -> web.Response:
        """Tell until when a delegated proxy is good."""
        return answer(self._credentials.view(self._owner(request)))

    async def request(self, request: web.Request) -> web.Response:
        """Give the request that a client signs."""
        caller = self._owner(request)
        headers = {"X-Delegation-ID": caller.delegation_id}
        return web.Response(text=self._credentials.request(caller), headers=headers)

    async def accept(self, request: web.Request) -> web.Response:
        """Take the signed proxy."""
        self._credentials.accept(self._owner(request), await request.read())
        return web.Response(status=201)

    async def forget(self, request: web.Request) -> web.Response:
        """Remove a delegated proxy."""
        self._credentials.forget(self._owner(request))
        return web.Response(status=204)

    def _owner(self, request: web.Request) -> Caller:
        caller = self._parts.caller(request)
        if request.match_info["id"] != caller.delegation_id:
            raise Refused(403, "The requested ID and the credentials ID do not match")
        return caller

    async def log(self, request: web.Request) -> web.Response:
        """Give a transfer's log."""
        folder = Path(self._parts.config.logs).resolve()
        path = (folder / request.match_info["name"]).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            raise Refused(404, "There is no such log")
        return web.Response(text=path.read_text())

    async def fault(self, request: web.Request) -> web.Response:
        """Tell the fault; answered whatever it is, so that it shows that the service lives."""
        return answer({"fault": self._parts.faults.now.kind})

    async def misbehave(self, request: web.Request) -> web.Response:
        """Set a fault, with the control secret."""
        told = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(told.encode(), self._parts.config.control.encode()):
            raise Refused(403, "The control secret of this lake is wanted")
        try:
            words = str(decoded(await request.read()).get("fault"))
            faults.write(self._parts.faults.path, words, {})
        except UsageError as wrong:
            raise Refused(400, str(wrong)) from None
        return answer({"fault": self._parts.faults.now.kind})
