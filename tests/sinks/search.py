"""What the tests of OpenSearch and Elasticsearch share: documents, journals, a look into stores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import urllib3

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks.base import Item, Rejection
from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.search_sink import SearchSink
from lakecheck.sinks.shipper import Outcome, ship

DAY = "2026-11-21"
NOW = 1795305600.0  # 2026-11-22T00:00:00Z


class Store:
    """A server of a lake, seen without lakecheck's sink."""

    def __init__(self, lake: Lake, name: str, user: str = "") -> None:
        self.lake, self.name = lake, name
        self.settings = lake.services[name]
        self.url: str = self.settings["url"]
        options: dict[str, Any] = {}
        if user:
            who = f"{user}:{self.settings['users'][user]}"
            options = {"headers": urllib3.make_headers(basic_auth=who)}
        self._pool = urllib3.PoolManager(ca_certs=self.settings.get("ca"), **options)

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        form = {"content-type": "application/json", **self._pool.headers}
        body = json.dumps(content).encode() if content is not None else None
        answer = self._pool.request(method, f"{self.url}/{path}", body=body, headers=form)
        assert answer.status < 400, (answer.status, answer.data[:1000])
        return json.loads(answer.data)

    def count(self, index: str) -> int:
        self.ask("POST", f"{index}/_refresh")
        return int(self.ask("GET", f"{index}/_count")["count"])

    def indices(self, pattern: str) -> list[str]:
        found = self.ask("GET", f"{pattern}?filter_path=*.settings.index.uuid&expand_wildcards=all")
        return sorted(found)

    def ids(self, index: str) -> list[str]:
        self.ask("POST", f"{index}/_refresh")
        wanted = {"size": 5000, "_source": False, "sort": ["_doc"]}
        page = self.ask("POST", f"{index}/_search?scroll=1m", wanted)
        found: list[str] = []
        while hits := page["hits"]["hits"]:
            found += [hit["_id"] for hit in hits]
            more = {"scroll": "1m", "scroll_id": page["_scroll_id"]}
            page = self.ask("POST", "_search/scroll", more)
        return found

    def search(self, index: str, **query: Any) -> Any:
        self.ask("POST", f"{index}/_refresh")
        return self.ask("POST", f"{index}/_search", query)

    @contextmanager
    def cluster(self, **settings: Any) -> Iterator[None]:
        """Settings of the cluster for a while, their dots written as __."""
        named = {name.replace("__", "."): value for name, value in settings.items()}
        self.ask("PUT", "_cluster/settings", {"persistent": named})
        try:
            yield
        finally:
            self.ask("PUT", "_cluster/settings", {"persistent": dict.fromkeys(named)})

    @contextmanager
    def paused(self) -> Iterator[None]:
        """All its processes stopped."""
        first = psutil.Process(self.pid)
        all_of_it = [first, *first.children(recursive=True)]
        for process in all_of_it:
            process.suspend()
        try:
            yield
        finally:
            for process in all_of_it:
                process.resume()

    @property
    def pid(self) -> int:
        process = self.lake.server(self.name).process
        assert process is not None
        return process.pid

    @contextmanager
    def configured(self, lines: str) -> Iterator[None]:
        """Restarted with more lines in its configuration, and at the end without them."""
        file = Path(self.lake.record.home, "cfg", self.name, "opensearch.yml")
        before = file.read_text()
        self._restart(file, before + lines)
        try:
            yield
        finally:
            self._restart(file, before)

    def _restart(self, file: Path, text: str) -> None:
        self.lake.halt(self.name)
        file.write_text(text)
        self.lake.resume(self.name)


def document(number: int, **fields: Any) -> dict[str, Any]:
    """One document; its time is NUMBER ms into the day."""
    head = {"@timestamp": f"{DAY}T09:00:{number // 1000 % 60:02d}.{number % 1000:03d}Z"}
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return head | {"_id": f"{number:032x}", "document": "result", "status": "passed"} | named


def items(*documents: Mapping[str, Any]) -> list[Item]:
    return [Item(json.dumps(each, separators=(",", ":")).encode()) for each in documents]


def sink(store: Store, index: str, **options: Any) -> SearchSink:
    return SearchSink(Options(url=options.pop("url", store.url), index=index, **options))


def deliver(
    store: Store, index: str, *documents: Mapping[str, Any], **options: Any
) -> list[Rejection]:
    """Through a sink of its own."""
    made = sink(store, index, **options)
    try:
        return made.deliver(items(*documents))
    finally:
        made.close()


def journal(folder: Path, count: int) -> Path:
    path = folder / "run" / "results.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(item.raw + b"\n" for item in items(*map(document, range(count)))))
    return path


def shipped(path: Path, store: Store, index: str, within: float | None, **options: Any) -> Outcome:
    choice = SinkChoice("opensearch", "opensearch", Options(url=store.url, index=index, **options))
    (outcome,) = ship(path, [choice], within=within)
    return outcome
