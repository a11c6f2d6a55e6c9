"""Documents in OpenSearch and in Elasticsearch: where they go, how they are found, for how long."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from opensearchpy import OpenSearch

from lakecheck.model import SinkChoice
from lakecheck.sinks import search_setup
from lakecheck.sinks.opensearch import OPENSEARCH, Options
from lakecheck.sinks.search_sink import SearchSink
from lakecheck.sinks.shipper import ship
from tests.sinks.search import DAY, NOW, Store, deliver, document, items, journal, shipped


def test_a_journal_is_there_once_however_often_it_is_shipped(
    search_store: Store, tmp_path: Path
) -> None:
    path = journal(tmp_path, 5000)
    first = shipped(path, search_store, "twice", within=60)
    (again,) = ship(
        path,
        [SinkChoice("opensearch", "opensearch", Options(url=search_store.url, index="twice"))],
        within=60,
        again=True,
    )

    assert (first.shipped, first.rejected, first.pending, first.trouble) == (5000, 0, 0, "")
    assert (again.shipped, again.rejected, again.pending) == (5000, 0, 0)
    assert search_store.indices("twice-*") == ["twice-2026.11.21"]
    assert sorted(search_store.ids("twice-*")) == [f"{n:032x}" for n in range(5000)]


def test_others_read_what_was_written(opensearch: Store) -> None:
    assert deliver(opensearch, "others", document(1, rse="DESY-DCACHE")) == []
    opensearch.count("others-*")
    with OpenSearch(opensearch.url) as client:
        found = client.get(index="others-2026.11.21", id=f"{1:032x}")
    assert found["_source"] == {
        "@timestamp": "2026-11-21T09:00:00.001Z",
        "document": "result",
        "status": "passed",
        "rse": "DESY-DCACHE",
    }


def test_the_index_is_of_the_events_day(search_store: Store) -> None:
    moments = ["2026-11-20T23:59:59.999Z", "2026-11-21T00:00:00.000Z", "2026-11-22T01:00:00+02:00"]
    made = [{"@timestamp": moment, "_id": f"m{n}"} for n, moment in enumerate(moments)]

    assert deliver(search_store, "days", *made) == []
    assert search_store.ids("days-2026.11.20") == ["m0"]
    assert sorted(search_store.ids("days-2026.11.21")) == ["m1", "m2"]

    assert deliver(search_store, "months", *made, period="month") == []
    assert search_store.indices("months-*") == ["months-2026.11"]


def test_fields_are_found_by_what_they_are(search_store: Store) -> None:
    fields: dict[str, Any] = {
        "labels__country": "DE",
        "labels__tier": 2,
        "source__labels__country": "FR",
        "source__rse": "A",
        "expected": [{"condition": "duration < 1s", "seen": "2s", "met": False}],
        "duration": 2,
        "error__message": "The file is full of holes",
        "tester__ip": "192.0.2.7",
        "functional__compared": "checksum",
        "repeat": ["gfal-copy 'a' b"],
        "own__measure": 7,
    }
    assert deliver(search_store, "fields", document(1, **fields), document(2)) == []

    for query in (
        {"term": {"labels.country": "DE"}},
        {"term": {"labels.tier": "2"}},
        {"term": {"source.labels.country": "FR"}},
        {"term": {"source.rse": "A"}},
        {"term": {"expected.met": False}},
        {"range": {"duration": {"gt": 1.5}}},
        {"match": {"error.message": "holes"}},
        {"term": {"error.message.keyword": "The file is full of holes"}},
        {"term": {"tester.ip": "192.0.2.0/24"}},
        {"term": {"functional.compared": "checksum"}},
        {"range": {"own.measure": {"gte": 7}}},
        {
            "range": {
                "@timestamp": {"gte": "2026-11-21T09:00:00.001Z", "lt": "2026-11-21T09:00:00.002Z"}
            }
        },
    ):
        found = search_store.search("fields-*", query=query)
        assert [hit["_id"] for hit in found["hits"]["hits"]] == [f"{1:032x}"], query

    by = {"country": {"terms": {"field": "labels.country"}}}
    buckets = search_store.search("fields-*", size=0, aggs=by)["aggregations"]["country"]["buckets"]
    assert buckets == [{"key": "DE", "doc_count": 1}]


def test_what_nobody_announced_refuses_no_document(search_store: Store) -> None:
    values: list[Any] = [1, "a word", 2.5, True, "2026-11-21", ["x", 3], "é" * 40_000]
    documents = [document(n, own__value=value) for n, value in enumerate(values)]

    assert deliver(search_store, "unknown", *documents) == []
    assert search_store.count("unknown-*") == len(values)


def test_too_many_fields_refuse_no_document(
    search_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakecheck.sinks.search_template.MOST_FIELDS", 200)
    documents = [document(n, **{f"own__f{n}_{m}": m for m in range(20)}) for n in range(20)]

    assert deliver(search_store, "crowded", *documents) == []
    assert search_store.count("crowded-*") == 20
    hits = search_store.search("crowded-*", query={"ids": {"values": [f"{19:032x}"]}})["hits"][
        "hits"
    ]
    assert hits[0]["_source"]["own.f19_19"] == 19


def test_a_data_stream_takes_a_document_once(search_store: Store) -> None:
    made = [document(n) for n in range(10)]
    assert deliver(search_store, "stream", *made, data_stream=True) == []
    assert deliver(search_store, "stream", *made, data_stream=True) == []
    assert search_store.count("stream") == 10
    assert all(name.startswith(".ds-stream-") for name in search_store.indices("*stream*"))


def test_the_next_node_is_asked(search_store: Store) -> None:
    urls = ("http://127.0.0.1:1", search_store.url)
    assert deliver(search_store, "nodes", document(1), url=urls) == []
    assert search_store.count("nodes-*") == 1


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that has told the server nothing yet."""
    monkeypatch.setattr(search_setup, "_done", set())


def test_an_older_lakecheck_leaves_a_newer_ones_template(
    search_store: Store, monkeypatch: pytest.MonkeyPatch, anew: None
) -> None:
    monkeypatch.setattr("lakecheck.sinks.search_template.__version__", "7.2.1")
    deliver(search_store, "versions", document(1))
    for version in ("7.2.0", "0.9"):
        monkeypatch.setattr("lakecheck.sinks.search_template.__version__", version)
        monkeypatch.setattr("lakecheck.sinks.search_template.LONGEST", 7)
        monkeypatch.setattr(search_setup, "_done", set())
        deliver(search_store, "versions", document(1))
    (found,) = search_store.ask("GET", "_index_template/versions")["index_templates"]
    assert found["index_template"]["version"] == 7_002_001
    assert found["index_template"]["_meta"]["lakecheck"] == "7.2.1"

    monkeypatch.setattr("lakecheck.sinks.search_template.__version__", "7.10.0")
    monkeypatch.setattr(search_setup, "_done", set())
    deliver(search_store, "versions", document(1))
    (found,) = search_store.ask("GET", "_index_template/versions")["index_templates"]
    assert found["index_template"]["version"] == 7_010_000


def test_only_our_old_indices_are_removed(search_store: Store, anew: None) -> None:
    kept = ["keep-2026.11.20x", "keep-2026.1.2", "keep-20.11.01", "keep-other-2026.01.01",
            "keep", "keeper-2026.01.01", "keep-2026.13.01"]  # fmt: skip
    for name in [*kept, "keep-2026.10.01", "keep-2026.11.19", "keep-2026.11.20", "keep-2026.09"]:
        search_store.ask("PUT", name)

    options = Options(url=search_store.url, index="keep", retention=86400.0)  # type: ignore[arg-type]
    made = SearchSink(options, now=lambda: NOW)
    assert made.deliver(items(document(1))) == []
    made.close()

    # A day that ended a day ago stays until the next moment.
    assert search_store.indices("keep*") == sorted(
        [*kept, "keep-2026.11.20", f"keep-{DAY.replace('-', '.')}"]
    )


def test_every_option_stands_in_the_index(search_store: Store) -> None:
    assert deliver(search_store, "shaped", document(1), shards=3, replicas=0) == []
    settings = search_store.ask("GET", "shaped-*/_settings")["shaped-2026.11.21"]["settings"][
        "index"
    ]
    assert (settings["number_of_shards"], settings["number_of_replicas"]) == ("3", "0")


def test_the_target_has_no_secrets() -> None:
    options = Options(url=("https://u:secret@os.example.org:9200/", "https://b"), index="lake")
    assert OPENSEARCH.target(options) == "https://os.example.org:9200/lake"
    streamed = replace(options, data_stream=True)
    assert OPENSEARCH.target(streamed) == "https://os.example.org:9200/lake (data stream)"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"index": "Lake"}, '"Lake" cannot name an index'),
        ({"index": "a*"}, '"a*" cannot name an index'),
        ({"password": "x"}, "there is a password and no user; write both"),
        ({"user": "x", "api_key": "y"}, "there are a user and an api_key; write one of them"),
        ({"shards": 0}, "shards is 1 or more"),
        ({"batch": 0}, "batch from 1 to 10000"),
    ],
)
def test_options_that_can_never_work(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Options(url="http://h:1", **options)
