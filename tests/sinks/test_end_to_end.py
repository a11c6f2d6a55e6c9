"""The whole way with the commands that users type: run, artefact, broker, store."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stomp

from tests.documents.test_foreign_rucio import TRANSFER, message
from tests.engine.runs import documents, memory_rses, start, write
from tests.sinks.broker import Broker
from tests.sinks.search import Store

TESTS = "tests:\n  f: {kind: functional, timeout: 5s, driver: memory}\n"


def lakecheck(
    cwd: Path, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    process = start(*arguments, cwd=cwd, **environment)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def stored(store: Store, index: str) -> dict[str, Mapping[str, Any]]:
    hits = store.search(index, size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def send(broker: Broker, destination: str, bodies: list[bytes]) -> None:
    """Send as hermes does, with the client library that it uses."""
    url = urlsplit(broker.settings["urls"][0])
    connection = stomp.Connection12([(url.hostname, url.port)])
    connection.connect("pub", broker.settings["password"], wait=True)
    for body in bodies:
        connection.send(destination, body, headers={"persistent": "true"})
    connection.disconnect(receipt="end")


@pytest.fixture
def publishing(tmp_path: Path, opensearch: Store) -> Path:
    """A spec that publishes where OPENSEARCH_URL says."""
    sink = 'publish: [opensearch: {url: "${OPENSEARCH_URL}", index: journey}]\n'
    attributes = ", attributes: {country: FR, tier: 1}"
    return write(tmp_path, memory_rses(["ANNECY", "GENEVA"], attributes) + TESTS + sink)


def test_a_run_is_found_and_its_junit_alone_gives_the_same(
    tmp_path: Path, opensearch: Store, publishing: Path
) -> None:
    where = {"OPENSEARCH_URL": opensearch.url}
    done = lakecheck(tmp_path, "run", publishing, "-q", "-o", "out", **where)
    assert done.returncode == 0, done.stderr
    assert "opensearch: 10 documents to " in done.stdout
    first = stored(opensearch, "journey-*")
    assert set(first) == {each["_id"] for each in documents(tmp_path / "out")}

    # What dashboards ask: the share of passed checks by country, from fields that nest.
    asked = {
        "by": {"terms": {"field": "labels.country"}, "aggs": {"s": {"terms": {"field": "status"}}}}
    }
    buckets = opensearch.search("journey-*", size=0, aggs=asked)["aggregations"]["by"]["buckets"]
    assert [(each["key"], each["doc_count"]) for each in buckets] == [("FR", 10)]
    assert buckets[0]["s"]["buckets"][0]["key"] == "passed"

    # As in CI: another machine, which has the artefact and nothing else.
    opensearch.ask("DELETE", ",".join(opensearch.indices("journey-*")))
    (tmp_path / "out" / "results.ndjson").unlink()
    artefact = ("ship", "out/junit.xml", "--spec", publishing)
    assert lakecheck(tmp_path, *artefact, **where).returncode == 0
    assert lakecheck(tmp_path, *artefact, "--again", **where).returncode == 0
    assert stored(opensearch, "journey-*") == first


def test_rucios_events_go_from_broker_to_store(
    tmp_path: Path, activemq: Broker, opensearch: Store
) -> None:
    topic = "VirtualTopic.rucio"
    queue = f"/queue/Consumer.lakecheck.{topic}"
    common = {"url": list(activemq.settings["urls"]), "ca": activemq.settings["ca"]}
    reading = {**common, "user": "sub", "password": "${PASSWORD}", "destination": queue}
    sink = {"url": "${OPENSEARCH_URL}", "index": "events"}
    spec = {
        "lakecheck": 1,
        "tests": {},
        "consume": [{"stomp": reading}],
        "publish": [{"opensearch": sink}],
    }
    write(tmp_path, json.dumps(spec))
    activemq.subscribe(queue)  # or the broker drops what nobody has asked for
    events = [
        message("transfer-done", TRANSFER),
        message("transfer-failed", {**TRANSFER, "reason": "SOURCE [2] No such file"}),
        b"this is no event",
    ]
    send(activemq, f"/topic/{topic}", events)

    done = lakecheck(
        tmp_path,
        *("consume", "t.lake.yaml", "--most", 3),
        OPENSEARCH_URL=opensearch.url,
        PASSWORD=activemq.settings["users"]["sub"],
    )

    assert done.returncode == 0, done.stderr
    assert "3 messages: 2 documents in reports/received-" in done.stdout
    assert "1 not understood" in done.stdout
    found = {each["status"]: each for each in stored(opensearch, "events-*").values()}
    assert found["passed"]["event.type"] == "transfer-done"
    assert found["failed"]["error.class"] == "missing"
    assert found["failed"]["source.rse"] == "DESY-DCACHE"
