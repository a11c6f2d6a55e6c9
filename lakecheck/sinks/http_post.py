"""The open sink of HTTP: posts batches, and finds out which document a server refuses."""

from __future__ import annotations

import base64
import gzip
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec
import urllib3
from msgspec import Struct
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, Url, parse_url

from lakecheck.sinks.base import Item, Rejection, SinkTrouble, without_secrets
from lakecheck.sinks.halving import by_halves
from lakecheck.sinks.http import Monit, Options
from lakecheck.sinks.http_answer import WORDS, judge, unanswered
from lakecheck.sinks.tls import context

CONNECT_WITHIN = 10.0  # s
SUSPICIOUS = 20  # documents, all of them refused, of which the server's settings are the reason


class Body(Struct, frozen=True, gc=False):
    """What is posted of a document, by its place in the batch."""

    index: int
    data: bytes


class HttpSink:
    """Posts arrays of documents; a success (2xx) counts for all of an array."""

    parallel = 2
    most_items = 500
    most_bytes = 2**20

    def __init__(self, options: Options) -> None:
        self._options = options
        self._where = without_secrets(options.url)
        url = parse_url(options.url.strip())
        self._target = Url(url.scheme, None, url.host, url.port, url.path, url.query).url
        self._headers = _headers(options, url)
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=self.parallel,
            ssl_context=context(options.ca) if url.scheme == "https" else None,
        )

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Post a batch, and parts of it where it is too large or holds what is refused."""
        bodies: list[Body] = []
        rejected: list[Rejection] = []
        for index, item in enumerate(items):
            try:
                bodies.append(Body(index, _body(item, self._options.monit)))
            except ValueError as error:
                rejected.append(Rejection(index, f"it cannot be posted: {error}"))
        refused = by_halves(bodies, self._post)
        reasons = {why for _, why in refused}
        if len(refused) == len(bodies) >= SUSPICIOUS and len(reasons) == 1:
            told = f"{self._where} refuses every document in the same words: {reasons.pop()}"
            raise SinkTrouble(f"{told}; ask who runs it", lasting=True)
        return rejected + [Rejection(bodies[place].index, why) for place, why in refused]

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _post(self, bodies: Sequence[Body]) -> None:
        body = b"[%b]" % b",".join(each.data for each in bodies)
        if self._options.gzip:
            body = gzip.compress(body, 6)
        deadline = time.monotonic() + self._options.timeout
        try:
            answer = self._pool.request(
                "POST",
                self._target,
                body=body,
                headers=self._headers,
                # A redirect would carry credentials to wherever the server says.
                redirect=False,
                retries=False,
                timeout=self._timeout(deadline),
                preload_content=False,
            )
            words = _words(answer, deadline)
        except HTTPError as error:
            raise unanswered(self._where, error, self._options.timeout) from error
        judge(self._where, answer.status, answer.headers, words)

    def _timeout(self, deadline: float) -> Timeout:
        left = max(0.1, deadline - time.monotonic())
        return Timeout(connect=min(CONNECT_WITHIN, left), read=left)


def _words(answer: urllib3.BaseHTTPResponse, deadline: float) -> str:
    """Read what the server says, some of it and in time, so that the connection can be kept."""
    read = b""
    try:
        while len(read) < WORDS:
            if time.monotonic() > deadline:
                answer.close()
                break
            part = answer.read1(WORDS)
            if not part:
                break
            read += part
        else:
            answer.close()  # it goes on
    finally:
        answer.release_conn()
    return read[:WORDS].decode("utf-8", "replace")


def _headers(options: Options, url: Url) -> dict[str, str]:
    found = {
        "Content-Type": "application/json; charset=UTF-8",  # as MONIT demands it
        "User-Agent": "lakecheck",
    }
    if options.gzip:
        found["Content-Encoding"] = "gzip"
    basic = f"{options.user}:{options.password}" if options.user else unquote(url.auth or "")
    if options.token:
        found["Authorization"] = f"Bearer {options.token}"
    elif basic:
        found["Authorization"] = f"Basic {base64.b64encode(basic.encode()).decode()}"
    return {**found, **options.headers}


def _body(item: Item, monit: Monit | None) -> bytes:
    """Give what is posted of a document; ValueError where that cannot be made."""
    if monit is None:
        item.document  # noqa: B018  # what is torn inside would spoil the whole array
        return item.raw
    document = item.document
    kind = document.get("kind") or document.get("document") or "record"
    moment = datetime.fromisoformat(item.timestamp)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # MONIT takes an id of ours as _id, and times in milliseconds.
    more = {
        "producer": monit.producer,
        "type": monit.type or str(kind),
        "timestamp": round(moment.timestamp() * 1000),
    }
    return msgspec.json.encode({**document, **more})
