"""Requests to the nodes of an OpenSearch or Elasticsearch cluster, each with an end."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import unquote

import msgspec
import urllib3
from urllib3.util import make_headers, parse_url

from lakecheck.sinks import tls
from lakecheck.sinks.base import SinkTrouble, without_secrets
from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.search_trouble import Answer, of_exception, of_status, stranger

CONNECT_WITHIN = 5.0  # s
MOST_ANSWER = 64 * 2**20  # bytes; no answer of such a store to us is longer
ELSEWHERE = (502, 503, 504)  # what another node may answer better
PARALLEL = 2
LINES, JSON = "application/x-ndjson", "application/json"


class Connection:
    """Asks one node, and the next one where that does not answer."""

    def __init__(self, options: Options) -> None:
        """Raise SinkTrouble where the options cannot be used."""
        self.elastic = False  # as its last answer says
        self._first = 0  # the node that answered last
        self._timeout = float(options.timeout)
        self._nodes = [_node(url) for url in options.urls]
        found = next((auth for _, auth in self._nodes if auth), "")
        self.user = options.user or found.partition(":")[0]
        password = options.password if options.user else found.partition(":")[2]
        self._headers = {"user-agent": "lakecheck"}
        if options.api_key:
            self._headers["authorization"] = f"ApiKey {options.api_key}"
        elif self.user:
            who = make_headers(basic_auth=f"{self.user}:{password}")
            self._headers["authorization"] = who["authorization"]
        context = None
        if any(url.startswith("https") for url, _ in self._nodes):
            context = tls.context(options.ca)
        self._pool = urllib3.PoolManager(
            num_pools=len(self._nodes),
            maxsize=PARALLEL,
            retries=False,
            timeout=urllib3.Timeout(min(CONNECT_WITHIN, self._timeout), self._timeout),
            ssl_context=context,
        )

    def ask(self, method: str, path: str, body: bytes = b"", form: str = JSON) -> Answer:
        """Give the answer of the first node that has one; raises SinkTrouble."""
        trouble: SinkTrouble | None = None
        for step in range(len(self._nodes)):
            number = (self._first + step) % len(self._nodes)
            url = self._nodes[number][0]
            try:
                answer = self._request(url, method, path, body, form)
            except urllib3.exceptions.HTTPError as error:
                trouble = of_exception(url, error, self._timeout)
                continue
            if answer.status in ELSEWHERE and step + 1 < len(self._nodes):
                trouble = self.trouble(answer)
                continue
            self._first = number
            return answer
        assert trouble is not None
        raise trouble

    def send(self, method: str, path: str, content: Any = None) -> Answer:
        """Ask with JSON; gives JSON of whatever status, else raises SinkTrouble."""
        answer = self.ask(method, path, msgspec.json.encode(content) if content else b"")
        if not isinstance(answer.content, dict):
            raise self.trouble(answer)
        return answer

    def trouble(self, answer: Answer) -> SinkTrouble:
        """Say what an answer means that cannot be used."""
        if 200 <= answer.status < 300:
            return stranger(answer)
        return of_status(answer, self.user, "authorization" in self._headers)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    def _request(self, url: str, method: str, path: str, body: bytes, form: str) -> Answer:
        response = self._pool.request(
            method,
            f"{url}/{path}",
            body=body or None,
            headers=self._headers | ({"content-type": form} if body else {}),
            redirect=False,
            preload_content=False,
        )
        try:
            data = response.read(MOST_ANSWER)
        finally:
            if response.closed:
                response.release_conn()
            else:
                response.close()
        after = 0.0
        with contextlib.suppress(ValueError):
            after = min(float(response.headers.get("retry-after", "")), 60.0)
        self.elastic = "x-elastic-product" in response.headers
        return Answer(
            url=url,
            status=response.status,
            data=data,
            content_type=response.headers.get("content-type", ""),
            after=after,
            location=without_secrets(response.headers.get("location", "")),
        )


def _node(url: str) -> tuple[str, str]:
    """Take user and password out of an address."""
    parsed = parse_url(url.strip())
    return parsed._replace(auth=None, query=None).url.rstrip("/"), unquote(parsed.auth or "")
