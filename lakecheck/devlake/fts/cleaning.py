"""Removes what unfinished copies left, while whoever wants the same destination waits."""

from __future__ import annotations

import asyncio

from lakecheck.devlake.fts.copying import Transfer
from lakecheck.devlake.fts.store import Row, Store


class Cleaner:
    """The destinations that are being cleaned."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by destination

    def begin(self, transfer: Transfer, file: Row) -> None:
        """Clean the destination of a transfer that was ended."""
        destination = file["dest_surl"]
        task = asyncio.create_task(self._clean(transfer, file["file_id"]))
        self._tasks[destination] = task
        task.add_done_callback(lambda _: self._forget(destination, task))

    async def until_clean(self, destination: str) -> None:
        """Wait until nobody cleans there."""
        while (task := self._tasks.get(destination)) is not None:
            await asyncio.wait({task})
            self._forget(destination, task)

    async def stop(self) -> None:
        """End; the store knows what is not clean."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _clean(self, transfer: Transfer, file_id: int) -> None:
        await transfer.clean()
        self._store.set_file(file_id, ("CANCELED", "FAILED"), copying=0)

    def _forget(self, destination: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(destination) is task:
            del self._tasks[destination]
