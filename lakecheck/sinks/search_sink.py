"""Ships to OpenSearch and Elasticsearch by `_bulk`, by which a document's `_id` is its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from lakecheck.sinks.base import Item, Rejection, SinkTrouble
from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.search_bulk import Line, is_documents, is_too_large, judge, path, too_large
from lakecheck.sinks.search_connection import LINES, PARALLEL, Connection
from lakecheck.sinks.search_indices import Indices
from lakecheck.sinks.search_setup import Setup

LONGEST_ID = 512  # bytes; a longer one has the server refuse all that it came with
TRIES, FIRST_WAIT = 5, 0.1  # of what a busy server did not take; seconds, then twice that, …


class SearchSink:
    """Ships batches; all of a day's documents go to that day's index."""

    parallel = PARALLEL
    most_bytes = 8 * 2**20

    def __init__(self, options: Options, now: Callable[[], float] = time.time) -> None:
        self.most_items = options.batch
        self._options = options
        self._indices = Indices(options.index, options.period == "month")
        self._connection = Connection(options)
        self._setup = Setup(self._connection, options, self._indices, now)
        self._most = self.most_bytes  # of a request, as the server let us know
        self._path = path(options.timeout)
        self._operation = "create" if options.data_stream else "index"

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Store a batch; documents that are there already stay as they are."""
        self._setup.once()
        rejected: list[Rejection] = []
        lines = list(self._lines(items, rejected))
        for some in self._requests(lines):
            rejected += self._store(some)
        return rejected

    def close(self) -> None:
        """Give the connections back."""
        self._connection.close()

    def _lines(self, items: Sequence[Item], rejected: list[Rejection]) -> Iterator[Line]:
        heads: dict[str, tuple[str, bytes]] = {}  # by day; most batches are of one
        for place, item in enumerate(items):
            stamp = item.timestamp
            day = stamp[:10] if stamp[-1] == "Z" else stamp
            try:
                index, head = heads.get(day) or heads.setdefault(day, self._head(stamp))
            except ValueError as error:
                rejected.append(Rejection(place, str(error)))
                continue
            identity = item.identity
            if len(identity) - 2 > LONGEST_ID:
                told = f"its _id has {len(identity) - 2} bytes, and {LONGEST_ID} is the most"
                rejected.append(Rejection(place, told))
                continue
            yield Line(place, index, b"%b%b}}\n%b\n" % (head, identity, item.body))

    def _head(self, timestamp: str) -> tuple[str, bytes]:
        index = self._indices.of(timestamp)
        if self._options.data_stream:
            index = self._options.index
        return index, b'{"%b":{"_index":"%b","_id":' % (self._operation.encode(), index.encode())

    def _requests(self, lines: list[Line]) -> Iterator[list[Line]]:
        some: list[Line] = []
        size = 0
        for line in lines:
            if some and size + len(line.data) > self._most:
                yield some
                some, size = [], 0
            some.append(line)
            size += len(line.data)
        if some:
            yield some

    def _store(self, lines: list[Line]) -> list[Rejection]:
        """Send one request, and what the server could not take of it again."""
        rejected: list[Rejection] = []
        after, reason = 0.0, ""
        for attempt in range(TRIES):
            body = b"".join([line.data for line in lines])
            answer = self._connection.ask("POST", self._path, body, LINES)
            if answer.went_well:
                return rejected
            if answer.status == 200:
                verdict = judge(answer, lines, self._connection.user)
                rejected += verdict.rejected
                lines, reason = verdict.again, verdict.reason
                if not lines:
                    return rejected
                self._setup.create(verdict.absent)
                self._setup.take_no_more_fields(verdict.crowded)
                if verdict.absent or verdict.crowded:
                    continue
            elif is_too_large(answer, len(body)):
                self._most = max(len(body) // 2, 1)
                return rejected + self._halves(lines, too_large(lines[0]))
            elif answer.status == 400 and is_documents(answer):
                return rejected + self._halves(lines, Rejection(lines[0].place, answer.reason))
            elif answer.status == 429 and "block" not in answer.type:
                after, reason = answer.after, answer.reason
            else:
                raise self._connection.trouble(answer)
            if attempt + 1 < TRIES:
                time.sleep(max(FIRST_WAIT * 2**attempt, min(after, 5.0)))
        raise SinkTrouble(f"{self._options.urls[0]}: it is too busy ({reason})", after=after)

    def _halves(self, lines: list[Line], why: Rejection) -> list[Rejection]:
        """Send halves of what was refused as a whole, down to the document that is the reason."""
        if len(lines) == 1:
            return [why]
        middle = len(lines) // 2
        return self._store(lines[:middle]) + self._store(lines[middle:])
