"""Credentials are checked before any storage is asked, so that no site is blamed for ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakecheck.documents.result import Result
from lakecheck.engine.aims import Aim, aims
from lakecheck.engine.executor import Execution, Outcome
from lakecheck.engine.recorder import Recorder
from lakecheck.engine.scheduler import Blocker
from lakecheck.engine.workshop import Workshop
from lakecheck.model import Case, Credential
from lakecheck.plan.expand import CREDENTIALS, credential_cases


async def vouch(
    found: dict[str, Aim],
    credentials: Mapping[str, Credential],
    recorder: Recorder,
    workshop: Workshop,
) -> dict[str, Blocker]:
    """Check each credential in use; give a blocker for each that is not sound.

    The aims of credential checks are taken out of `found`. A check that was not selected, or
    was documented by an earlier part of the run, is made all the same, without a document.
    """
    unsound: dict[str, Blocker] = {}

    def heard(outcome: Outcome, result: Result) -> None:
        if result.error:
            unsound[result.case.credential] = Blocker(result.address, result.error)

    selected = [aim for aim in found.values() if aim.kind.name == CREDENTIALS]
    for aim in selected:
        del found[aim.case.address]
    others = _others(found.values(), credentials, {aim.case.credential for aim in selected})
    for aim in (*selected, *others):
        await Execution(aim, workshop.tools(aim.case, None), recorder.emit, heard).run()
    return unsound


def _others(
    found: Iterable[Aim], credentials: Mapping[str, Credential], known: set[str]
) -> Iterable[Aim]:
    used = {name for aim in found if not aim.case.skip for name in aim.case.credentials} - known
    cases: list[Case] = credential_cases(credentials, used)
    # The recorder keeps no document of what is not planned or is documented already.
    return aims({check: (case, "valid") for case in cases for check in case.checks}).values()
