"""The step of a third-party-copy test; emptying its destination belongs to it."""

from __future__ import annotations

import time

from lakecheck.errors import DriverError, Missing, Unsupported
from lakecheck.model import Algorithm, Case
from lakecheck.probes.base import Measured, Steps, Tools


def algorithm(case: Case) -> Algorithm | None:
    """Checksum that both ends have, None where sizes must do."""
    ends = [end.checksum for end in (case.source, case.endpoint) if end]
    if case.test.options.checksum == "none" or "none" in ends:
        return None
    return "md5" if "md5" in ends and "adler32" not in ends else "adler32"


async def copy(tools: Tools) -> Measured:
    """The storages copy, both ends agree on what was copied, the destination is emptied."""
    case = tools.case
    if case.asks:
        from lakecheck.probes import fts_step

        return await fts_step.copy(tools)
    tools.creating()
    began = time.perf_counter()
    copied = await tools.copier.copy(
        tools.seed, tools.url, case.mode or "pull", algorithm(case), case.size
    )
    took = time.perf_counter() - began
    if copied.streamed:
        raise Unsupported(
            "the copy went through the client, not directly between the storages", side="transfer"
        )
    await _empty(tools)
    measures = {"verified": copied.verified, "transfer.mode": copied.mode}
    return Measured(bytes=case.size, duration=took, measures=measures)


async def _empty(tools: Tools) -> None:
    try:
        await tools.storage.delete(tools.url)
    except Missing:
        raise Missing(
            "the copy was confirmed and verified, yet the file is not there", side="destination"
        ) from None
    except DriverError as error:
        error.message = f"copied, but the destination could not be emptied: {error.message}"
        error.args = (error.message,)
        error.side, error.phase = "destination", "cleanup"
        raise
    tools.removed()


STEPS: Steps = {"copy": copy}
