"""Shipping to a warm OpenSearch: against one request a document, and against a bare bulk loop.

All sides write the same documents, each round into an index of its own, in turn. The bare loop
sends bodies that were made before its time begins, 2,000 documents each over two connections, and
only looks whether there were errors; lakecheck's shipper reads its journal, makes the requests,
looks at the answers, and keeps its cursor.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

import msgspec
import urllib3
from measure import verdict

from lakecheck.devlake import Lake
from lakecheck.model import SinkChoice
from lakecheck.sinks.opensearch import Options
from lakecheck.sinks.shipper import ship

BATCH, SHIPMENT = 2000, 1000
# A lake's usual one starts sooner and indexes slower.
JAVA = {"LAKECHECK_LAKE_JAVA": "-XX:TieredStopAtLevel=4 -Xms1g -Xmx1g"}
LINES = {"content-type": "application/x-ndjson"}
JSON = {"content-type": "application/json"}
DAY = "2026.11.21"


def line(number: int) -> bytes:
    """A result as runs write it, about 900 bytes; each has an `_id` of its own."""
    site = f"SITE-{number % 97}"
    return msgspec.json.encode(
        {
            "@timestamp": f"2026-11-21T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:00.000Z",
            "_id": f"{number:032x}",
            "document": "result",
            "version": 1,
            "run.id": "20261121T090000Z-7f3a90c1",
            "run.trigger": "watch",
            "run.started": "2026-11-21T09:00:00.000Z",
            "spec.name": "lake",
            "tester.host": "tester.example.org",
            "tester.version": "1.0",
            "test": "storage",
            "kind": "functional",
            "case": f"{site}.davs.{number % 7}B.robot",
            "check": ("upload", "stat", "checksum", "download", "delete")[number % 5],
            "attempt": 1,
            "rse": site,
            "endpoint": f"davs://se.{site.lower()}.example.org:443/lake/data",
            "host": f"se.{site.lower()}.example.org",
            "protocol": "davs",
            "labels.site": site,
            "labels.country": "DE",
            "size": number % 7,
            "credential": "robot",
            "auth_method": "x509",
            "status": "passed" if number % 50 else "failed",
            "duration": number % 1000 / 1000,
            "bytes": number % 7,
            "throughput": number % 7919,
        }
    )


def body_of(raw: bytes) -> bytes:
    """The document without its `_id`, as a bare loop would have it."""
    document = msgspec.json.decode(raw)
    del document["_id"]
    return msgspec.json.encode(document)


class Server:
    """The lake's OpenSearch, by plain requests."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.pool = urllib3.PoolManager(maxsize=4)
        self._names = itertools.count()

    def index(self) -> str:
        """A new name."""
        return f"bench{next(self._names)}"

    def choice(self, index: str) -> SinkChoice:
        """The sink to ship to."""
        return SinkChoice("opensearch", "opensearch", Options(url=self.url, index=index))

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        """One request; ends the benchmark unless it goes well."""
        answer = self.pool.request(method, f"{self.url}/{path}", body=body, headers=headers)
        if answer.status >= 300 or b'"errors":true' in answer.data[:100]:
            sys.exit(f"{method} {path}: {answer.status} {answer.data[:500]!r}")

    def write(self, count: int, first: int = 0) -> Path:
        """A journal in a folder of its own."""
        file = Path(tempfile.mkdtemp(dir=self.folder)) / "results.ndjson"
        with file.open("wb") as lines:
            lines.writelines(line(number) + b"\n" for number in range(first, first + count))
        return file

    def by_lakecheck(self, journal: Path, count: int, index: str) -> float:
        """Seconds of a shipment."""
        begun = time.perf_counter()
        (outcome,) = ship(journal, [self.choice(index)], within=600)
        took = time.perf_counter() - begun
        if outcome.shipped != count or outcome.pending:
            sys.exit(f"only {outcome.shipped} of {count} were shipped: {outcome.trouble}")
        return took

    def by_bulk(self, bodies: list[bytes]) -> float:
        """Seconds of a bare loop."""

        def send(body: bytes) -> None:
            self.send("POST", "_bulk?filter_path=errors,took", body, LINES)

        begun = time.perf_counter()
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(send, bodies))
        return time.perf_counter() - begun

    def one_by_one(self, count: int, index: str) -> float:
        """Seconds of one request a document."""
        made = [(f"{index}-{DAY}/_doc/{n:032x}", body_of(line(n))) for n in range(count)]
        begun = time.perf_counter()
        for path, body in made:
            self.send("PUT", path, body, JSON)
        return time.perf_counter() - begun


def bodies(count: int, index: str, first: int = 0) -> Iterator[bytes]:
    """Bulk requests ready to be sent."""
    for start in range(first, first + count, BATCH):
        parts = []
        for number in range(start, min(start + BATCH, first + count)):
            parts.append(b'{"index":{"_index":"%b-' % index.encode() + DAY.encode())
            parts.append(b'","_id":"%032x"}}\n' % number + body_of(line(number)) + b"\n")
        yield b"".join(parts)


def rates(server: Server, count: int, sample: int, rounds: int) -> None:
    """Take turns with all three."""
    journal = server.write(count)
    over_single, over_bare = [], []
    for number in range(rounds):
        turned = number % 2
        indices = [server.index() for _ in range(3)]
        for index in indices:  # created, with its template, before anybody's time begins
            one = server.write(1)
            server.by_lakecheck(one, 1, index)
        made = list(bodies(count, indices[1]))
        turns = [  # who comes first changes, since the server gets quicker all the time
            lambda to=indices[0]: count / server.by_lakecheck(journal, count, to),
            lambda requests=made: count / server.by_bulk(requests),
        ]
        both = [turn() for turn in turns[:: -1 if turned else 1]]
        ours, bare = both[::-1] if turned else both
        single = sample / server.one_by_one(sample, indices[2])
        over_single.append(ours / single)
        over_bare.append(bare / ours)
        print(
            f"documents a second: lakecheck {ours:,.0f}; bare bulk {bare:,.0f}; one request each "
            f"{single:,.0f} (of {sample}): {over_single[-1]:.1f} times, {over_bare[-1]:.2f} times"
        )
        for index in indices:
            server.send("DELETE", f"{index}-{DAY}", b"", JSON)
    middle = median(over_single)
    verdict("our rate over one request each", middle, "at least 20", middle >= 20)
    middle = median(over_bare)
    verdict("the bare loop's rate over ours", middle, "at most 1.25", middle <= 1.25)


def latencies(server: Server, fills: list[int], shipments: int) -> None:
    """Time shipments of 1,000 documents into an index that gets fuller."""
    index, there, worst = server.index(), 0, 0.0
    for fill in fills:
        for body in bodies(max(fill - there, 0), index, there):
            server.send("POST", "_bulk?filter_path=errors", body, LINES)
        there = max(fill, there)
        took = []
        for _ in range(shipments):
            journal = server.write(SHIPMENT, there)
            took.append(server.by_lakecheck(journal, SHIPMENT, index))
            there += SHIPMENT
        *_, last = quantiles(took, n=100, method="inclusive")
        worst = max(worst, last)
        print(
            f"{shipments} shipments of {SHIPMENT} into {fill:,}: median {median(took):.3f} s, "
            f"99th percentile {last:.3f} s, longest {max(took):.3f} s"
        )
    verdict("seconds, 99th percentile, worst fill", worst, "under 0.5", worst < 0.5)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=2000, help="documents with a request each")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--warm", type=int, default=300_000, help="documents before it counts")
    parser.add_argument("--fills", default="0,100000,500000,1000000", help="documents in the index")
    parser.add_argument("--shipments", type=int, default=100, help="at each fill")
    options = parser.parse_args()
    os.environ.update(JAVA)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=[], services=["opensearch"]) as lake:
            server = Server(lake.services["opensearch"]["url"], folder)
            for body in bodies(options.warm, server.index()):
                server.send("POST", "_bulk?filter_path=errors", body, LINES)
            server.one_by_one(min(options.sample, options.warm), server.index())
            rates(server, options.documents, options.sample, options.rounds)
            latencies(server, [int(fill) for fill in options.fills.split(",")], options.shipments)


if __name__ == "__main__":
    main()
