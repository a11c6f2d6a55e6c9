"""Seeds: files that wait at the sources of links, one an endpoint, size and credential."""

from __future__ import annotations

import asyncio
import logging

from lakecheck.drivers.waiting import CLOCK, Clock
from lakecheck.engine.executor import NOTHING_CREATED
from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.limits import CLEANUP, CLEANUP_SILENT
from lakecheck.engine.payloads import Payloads
from lakecheck.engine.scheduler import Seed
from lakecheck.engine.sessions import Sessions, driver_key
from lakecheck.engine.tools import folder_url, remote_name
from lakecheck.errors import DriverError, LakecheckError, Missing, TesterFailed, TimedOut
from lakecheck.model import Case, Credential
from lakecheck.plan.matrix import size_label

log = logging.getLogger("lakecheck.engine")


def seed_of(case: Case) -> Seed | None:
    """The seed that a link copies from."""
    if case.source is None or case.needs:
        return None
    return Seed(case.source.url, case.size, case.credential, driver_key(case.driver))


class Seeds:
    """Uploads seeds before their first link and removes them after the last."""

    def __init__(
        self, sessions: Sessions, ledger: Ledger, payloads: Payloads, run_id: str, part: str = ""
    ) -> None:
        self._sessions = sessions
        self._ledger = ledger
        self._payloads = payloads
        self._run_id = run_id
        self._part = part
        self._planted: dict[Seed, tuple[Case, Credential]] = {}

    def url(self, case: Case) -> str:
        """Where a link's seed lies."""
        assert case.source is not None
        seed = seed_of(case)
        assert seed is not None
        key = f"seed:{seed.url}:{seed.size}:{seed.credential}:{seed.driver}"
        return f"{folder_url(case.source)}/{remote_name(self._run_id, key, self._part)}"

    def address(self, seed: Seed, case: Case) -> str:
        """How documents name a seed: `TEST::RSE.PROTOCOL.SIZE.seed`, which is no check."""
        assert case.source is not None
        label = size_label(seed.size)
        return f"{case.test.name}::{case.source.rse}.{case.source.protocol}.{label}.seed"

    async def plant(self, seed: Seed, case: Case, credential: Credential) -> DriverError | None:
        """Upload a seed; give the error where that fails."""
        source, limit = case.source, case.test.timeout
        assert source is not None
        url = self.url(case)
        try:
            payload = await self._payloads.of(seed.size)
            storage = self._sessions.storage(case.driver, source, credential, limit)
            self._ledger.creating(Created(url, source.url, case.credential, case.driver.name))
            self._planted[seed] = (case, credential)
            clock = Clock()
            CLOCK.set(clock)
            async with clock.limit(asyncio.get_running_loop().time() + limit):
                await storage.put(url, payload, fresh=True)
        except TimeoutError:
            return TimedOut(
                f"the source gave no answer within {limit:g}s when its file was uploaded",
                side="source",
                phase="seed",
            )
        except asyncio.CancelledError:
            _go_on()
            return TesterFailed("the run was interrupted", phase="seed")
        except DriverError as error:
            error.phase = "seed"
            if error.side == "storage":
                error.side = "source"
            return error
        except LakecheckError as error:
            return TesterFailed(str(error), phase="seed")
        return None

    async def discard(self, seed: Seed, error: DriverError) -> None:
        """Remove what a failed upload may have left."""
        if seed not in self._planted:
            return
        case, credential = self._planted.pop(seed)
        if isinstance(error, NOTHING_CREATED):
            self._ledger.gone(self.url(case))
        else:
            await self._remove(case, credential, CLEANUP_SILENT)

    async def remove(self) -> None:
        """Remove every seed; what cannot be removed stays in the ledger."""
        planted = list(self._planted.values())
        self._planted.clear()
        await asyncio.gather(
            *(self._remove(case, credential, CLEANUP) for case, credential in planted)
        )

    async def _remove(self, case: Case, credential: Credential, limit: float) -> None:
        assert case.source is not None
        url = self.url(case)
        try:
            storage = self._sessions.storage(
                case.driver, case.source, credential, case.test.timeout
            )
            async with asyncio.timeout(limit):
                await storage.delete(url)
        except Missing:
            pass
        except (TimeoutError, LakecheckError) as error:
            log.warning("%s is still there: %s", url, str(error) or f"no answer within {limit:g}s")
            return
        self._ledger.gone(url)


def _go_on() -> None:
    """Take back the cancellation of this task: its clean-up shall not be ended by it."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
