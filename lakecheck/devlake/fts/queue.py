"""Which file is transferred next: a place for each, shared fairly among links."""

from __future__ import annotations

import time
from collections import Counter

from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.fts.store import Row, Store


class Queue:
    """Files that wait in the store, link by link, and how many are under way where."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._links: dict[str, None] = dict.fromkeys(store.links())  # who waits longest is first
        self._running: Counter[str] = Counter()  # by link, and by storage

    def add(self, link: str) -> None:
        """Hear of a file that waits."""
        self._links.setdefault(link)

    def __bool__(self) -> bool:
        """Whether files may wait."""
        return bool(self._links)

    def next(self, held: float) -> Row | None:
        """Take a place for the next file whose turn it is; files are held for some seconds."""
        if self._running.total() // 3 >= self._config.capacity:
            return None
        for link in list(self._links):
            if self._full(link):
                continue
            found = self._first(link, held)
            if found is None:
                continue
            # To the end of the row: others come first next time.
            self._links.pop(link, None)
            self._links[link] = None
            self._running.update(_places(link))
            return found
        return None

    def free(self, link: str) -> None:
        """Give a place back."""
        self._running.subtract(_places(link))
        self._running += Counter()  # forget what is zero

    def _full(self, link: str) -> bool:
        one, *storages = _places(link)
        busiest = max(self._running[storage] for storage in storages)
        config = self._config
        return self._running[one] >= config.per_link or busiest >= config.per_storage

    def _first(self, link: str, held: float) -> Row | None:
        query = (
            "SELECT file_id, job_id, ready_at FROM files WHERE file_state = 'SUBMITTED'"
            " AND link = ? {} ORDER BY priority DESC, file_id LIMIT 1"
        )
        ready = self._store.rows(query.format("AND ready_at <= ?"), link, time.time() - held)
        if ready:
            return {**ready[0], "link": link}
        if not self._store.rows(query.format(""), link):
            self._links.pop(link, None)
        return None


def _places(link: str) -> tuple[str, str, str]:
    source, _, destination = link.partition(" ")
    return link, f"storage {source}", f"storage {destination}"
