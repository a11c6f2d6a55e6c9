"""What killed runs have left at services, and in the folders of this machine's earlier runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lakecheck.documents.journal import RESULTS, is_claimed
from lakecheck.drivers.base import Leftover
from lakecheck.engine import folder
from lakecheck.engine.ledger import Created, Ledger, leftovers
from lakecheck.engine.remover import Remover
from lakecheck.engine.sessions import Sessions
from lakecheck.errors import LakecheckError
from lakecheck.model import NOBODY, Case, ServiceChoice, Spec

TIMEOUT = 10.0  # seconds a service
MOST = 30  # runs that are looked at, the newest
log = logging.getLogger("lakecheck.engine")

Asked = dict[tuple[str, str], ServiceChoice]  # by service and credential


def asked_by(cases: Iterable[Case]) -> Asked:
    """Give the services that cases go through, with the credentials that they ask them with."""
    return {
        (case.test.service.name, case.asks): case.test.service
        for case in cases
        if case.test.service is not None and not case.skip
    }


async def at_services(
    spec: Spec,
    asked: Asked,
    sessions: Sessions,
    ours: Callable[[Leftover], bool],
    run_id: str = "",
) -> list[Created]:
    """Ask services what runs, or one run, have left there; give what is meant, for a ledger."""
    found: list[Created] = []
    for (name, credential), choice in asked.items():
        service = sessions.service(choice, spec.credentials.get(credential, NOBODY))
        try:
            async with asyncio.timeout(TIMEOUT):
                await service.ready()
                left = await service.unfinished(run_id)
        except (TimeoutError, LakecheckError) as error:
            told = str(error) or f"no answer within {TIMEOUT:g}s"
            log.warning("searching %s for what runs have left: %s", name, told)
            continue
        found += [created(name, credential, each.sort, each.name) for each in left if ours(each)]
    return found


def created(service: str, credential: str, sort: str, name: str) -> Created:
    """Give what a ledger has of something at a service."""
    return Created(
        f"{service}/{sort}/{name}", credential=credential, service=service, sort=sort, name=name
    )


def killed_runs(reports: Path, own: Path) -> Iterator[Path]:
    """Folders of runs beside this one whose ledgers hold something, and that nobody runs."""
    with contextlib.suppress(OSError):
        found = [
            path for path in reports.glob(f"*/{folder.LEDGER}") if not path.parent.is_symlink()
        ]
        for ledger in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:MOST]:
            run = ledger.parent
            if run.resolve() == own.resolve():
                continue
            if leftovers(ledger) and not is_claimed(run / RESULTS):
                yield run


async def undo(
    spec: Spec, run: Path, own: Ledger, cases: Iterable[Case], sessions: Sessions
) -> None:
    """Undo what killed runs have left: as their ledgers say, and at the services of these cases."""
    for other in await asyncio.to_thread(lambda: list(killed_runs(run.parent, run))):
        with contextlib.closing(Ledger(other / folder.LEDGER)) as ledger:
            remover = Remover(spec, ledger)
            known = [each for each in ledger.left if remover.knows(each)]
            done = await remover.remove(known, sessions)
        log.info("%s was killed: %d things that it left are removed", other.name, done.removed)
    now = time.time()
    late = await at_services(spec, asked_by(cases), sessions, lambda each: each.until < now)
    for each in late:
        log.info("%s was forgotten by a run that was killed", each.url)
    await Remover(spec, own).remove(late, sessions)


async def undo_own(spec: Spec, own: Ledger, sessions: Sessions) -> None:
    """Undo what a run has left at services that were away when it should have been undone."""
    if any(each.service for each in own.left):
        await Remover(spec, own).remove(own.left, sessions)
