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
        # Since when a link's files are ready, or earlier; the link that waits longest is first.
        self._links: dict[str, float] = dict.fromkeys(store.links(), 0.0)
        self._running: Counter[str] = Counter()  # by link, and by storage

    def add(self, link: str, ready_at: float) -> None:
        """Hear of a file that waits, or will at that moment."""
        self._links[link] = min(ready_at, self._links.get(link, ready_at))

    def __bool__(self) -> bool:
        """Whether files may wait."""
        return bool(self._links)

    def next(self, held: float) -> Row | None:
        """Take a place for the next file whose turn it is; files are held for some seconds."""
        if self._running.total() // 3 >= self._config.capacity:
            return None
        latest = time.time() - held
        for link, ready_at in list(self._links.items()):
            if ready_at > latest or self._full(link):
                continue
            found = self._first(link, latest)
            if found is not None:
                self._links[link] = self._links.pop(link)  # to the end of the row
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

    def _first(self, link: str, latest: float) -> Row | None:
        waiting = "FROM files WHERE file_state = 'SUBMITTED' AND link = ?"
        ready = self._store.rows(
            f"SELECT file_id, job_id, link {waiting} AND ready_at <= ?"
            " ORDER BY priority DESC, file_id LIMIT 1",
            *(link, latest),
        )
        if ready:
            return ready[0]
        (earliest,) = self._store.rows(f"SELECT MIN(ready_at) AS ready_at {waiting}", link)
        if earliest["ready_at"] is None:
            del self._links[link]
        else:
            self._links[link] = earliest["ready_at"]
        return None


def _places(link: str) -> tuple[str, str, str]:
    source, _, destination = link.partition(" ")
    return link, f"storage {source}", f"storage {destination}"
