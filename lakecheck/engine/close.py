"""Removes what a killed run left on storages and on this machine."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lakecheck.engine.forgotten import asked_by, at_services
from lakecheck.engine.ledger import Created, Ledger
from lakecheck.engine.listing import Found, Place, look, places
from lakecheck.engine.payloads import folder_of
from lakecheck.engine.remover import AT_ONCE, TIMEOUT, Removal, Remover
from lakecheck.engine.sessions import Sessions
from lakecheck.engine.tools import folder_url
from lakecheck.model import Case, Credential, Spec

log = logging.getLogger("lakecheck.engine")


def remove_local(run_id: str) -> None:
    """Delete a run's local files."""
    shutil.rmtree(folder_of(run_id), ignore_errors=True)


def remove_left(run_id: str, path: Path, spec: Spec, cases: Collection[Case] = ()) -> Removal:
    """Remove everything that a run's ledger says may still be there.

    Without a ledger, the folders of its cases and of all RSEs are searched for the run's name.
    """
    return asyncio.run(_remove_left(run_id, path, spec, cases))


async def _remove_left(run_id: str, path: Path, spec: Spec, cases: Collection[Case]) -> Removal:
    known = path.exists()
    ledger, sessions = Ledger(path), Sessions(folder_of(run_id))
    remover = Remover(spec, ledger)
    try:
        left: Sequence[Created] = ledger.left
        if not known:
            pages = await _search(places(cases, spec.inventory), spec.credentials, sessions)
            left = [created for page in pages for created in _of_run(run_id, page)]
            left += await at_services(
                spec, asked_by(cases), sessions, lambda each: each.of(run_id), run_id
            )
            remover.removal.unsearched = [
                (page.folder, page.trouble) for page in pages if page.trouble
            ]
        return await remover.remove(left, sessions)
    finally:
        await sessions.close()
        ledger.close()


async def _search(
    groups: Iterable[Sequence[Place]], credentials: Mapping[str, Credential], sessions: Sessions
) -> list[Found]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(group: Sequence[Place]) -> Found:
        async with turn:
            found = await look(group, sessions, credentials, TIMEOUT)
        if found.trouble:
            log.warning("searching %s: %s", found.folder, found.trouble)
        return found

    return await asyncio.gather(*(one(group) for group in groups))


def _of_run(run_id: str, found: Found) -> Iterator[Created]:
    for name, place in found.names.items():
        if name.startswith(f"{run_id}-"):
            end = place.endpoint
            url = f"{folder_url(end)}/{name}"
            yield Created(url, end.url, place.credential, place.driver.name)
