"""What the cases of one run share: drivers at work, local files, names, the ledger, seeds."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping

from lakecheck.drivers.base import Payload
from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.payloads import Payloads
from lakecheck.engine.scheduler import Seed
from lakecheck.engine.seeds import Seeds, seed_of
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.tools import CaseTools
from lakecheck.errors import DriverError, LakecheckError, Missing
from lakecheck.model import NOBODY, Case, Credential, ServiceChoice

log = logging.getLogger("lakecheck.engine")


class Workshop:
    """Gives each case its tools."""

    def __init__(
        self,
        run_id: str,
        credentials: Mapping[str, Credential],
        sessions: Sessions,
        ledger: Ledger,
        payloads: Payloads,
    ) -> None:
        self.run_id = run_id
        self.credentials = credentials
        self.sessions = sessions
        self.ledger = ledger
        self.payloads = payloads
        # A resumed run must not meet the files that its killed part left under the same names.
        self.part = secrets.token_hex(4)
        self._kept: list[tuple[Created, ServiceChoice]] = []
        self.seeds = Seeds(sessions, ledger, payloads, run_id, self.part)

    def credential(self, case: Case) -> Credential:
        """The credential that a case uses."""
        return self.credentials.get(case.credential, NOBODY)

    def tools(self, case: Case, payload: Payload | None) -> CaseTools:
        """What a case's probe may use."""
        tools = CaseTools(
            case,
            self.credential(case),
            self.sessions,
            self.ledger,
            payload,
            self.run_id,
            self.seeds.url(case) if seed_of(case) else "",
            self.part,
            self.credentials,
        )
        tools.keep = lambda created, service: self._kept.append((created, service))
        return tools

    async def release(self) -> None:
        """Remove what outlived its case; what cannot be removed stays in the ledger."""
        kept, self._kept = self._kept, []
        await asyncio.gather(*(self._release(*each) for each in kept))

    async def _release(self, created: Created, choice: ServiceChoice) -> None:
        credential = self.credentials.get(created.credential, NOBODY)
        if not self.ledger.holds(created.url):
            return  # its case has removed it
        try:
            await self.sessions.service(choice, credential).undo(created.sort, created.name)
        except Missing:
            pass
        except LakecheckError as error:
            log.warning("%s is still there: %s", created.url, error)
            return
        self.ledger.gone(created.url)

    async def plant(self, seed: Seed, case: Case) -> DriverError | None:
        """Upload a seed; give the error where that fails."""
        return await self.seeds.plant(seed, case, self.credential(case))
