"""The open sink of HTTP: posts batches, and finds out which document a server refuses."""

from __future__ import annotations

import base64
import gzip
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec
import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, Url, parse_url

from lakecheck.sinks.base import Item, Rejection, without_secrets
from lakecheck.sinks.halving import by_halves
from lakecheck.sinks.http import Monit, Options
from lakecheck.sinks.http_answer import WORDS, judge, unanswered
from lakecheck.sinks.tls import context

CONNECT_WITHIN = 10.0  # s


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
        return by_halves(items, self._post)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _post(self, items: Sequence[Item]) -> None:
        body = _array(items, self._options.monit)
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


def _array(items: Sequence[Item], monit: Monit | None) -> bytes:
    if monit is None:
        return b"[%b]" % b",".join(item.raw for item in items)
    return msgspec.json.encode(list(_for_monit(items, monit)))


def _for_monit(items: Sequence[Item], monit: Monit) -> Iterator[dict[str, Any]]:
    # MONIT takes an id of ours as _id, and times in milliseconds.
    for item in items:
        document = item.document
        kind = document.get("kind") or document.get("document") or "record"
        moment = datetime.fromisoformat(item.timestamp)
        yield {
            **document,
            "producer": monit.producer,
            "type": monit.type or str(kind),
            "timestamp": round(moment.timestamp() * 1000),
        }
