"""The step that looks at a credential before any storage does."""

from __future__ import annotations

from lakecheck.credentials import check
from lakecheck.documents.result import rfc3339
from lakecheck.probes.base import Measured, Steps, Tools


async def valid(tools: Tools) -> Measured:
    """The credential is found, readable and not expired."""
    state = check(tools.credential)
    measures = {"subject": state.subject}
    if state.valid_until is not None:
        measures["valid_until"] = rfc3339(state.valid_until.timestamp())
    return Measured(measures=measures)


STEPS: Steps = {"valid": valid}
