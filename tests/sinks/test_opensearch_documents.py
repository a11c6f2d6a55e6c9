"""Documents that OpenSearch will never take: each is found and told with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.sinks import search_sink
from lakecheck.sinks.base import Item, SinkTrouble
from tests.sinks.search import Store, deliver, document, items, journal, shipped, sink


def test_a_value_of_the_wrong_type(search_store: Store) -> None:
    made = [document(n, duration="soon" if n == 3 else n) for n in range(10)]
    (rejection,) = deliver(search_store, "unfit", *made)
    assert rejection.index == 3
    assert "failed to parse field [duration] of type [double]" in rejection.reason
    assert "soon" in rejection.reason
    assert search_store.count("unfit-*") == 9


def test_an_object_where_a_word_was(search_store: Store) -> None:
    made = [document(1), document(2, status={"a": 1}), document(3, error="x")]
    rejections = deliver(search_store, "shape", *made)
    assert [each.index for each in rejections] == [1, 2]
    assert all("mapping" in each.reason or "parse" in each.reason for each in rejections)


def test_a_line_that_is_torn_inside(search_store: Store) -> None:
    made = items(document(1), document(2))
    made.insert(1, Item(made[0].raw[:-1]))
    made[1].id = "torn"
    found = sink(search_store, "torn")
    (rejection,) = found.deliver(made)
    found.close()
    assert rejection.index == 1
    assert search_store.count("torn-*") == 2


def test_a_time_that_is_none(search_store: Store) -> None:
    made = [document(1), document(2) | {"@timestamp": "2026-13-45T00:00:00.000Z"},
            document(3) | {"@timestamp": "yesterday"}]  # fmt: skip
    rejections = deliver(search_store, "times", *made)
    assert [(each.index, each.reason) for each in rejections] == [
        (1, 'its @timestamp "2026-13-45T00:00:00.000Z" is no time'),
        (2, 'its @timestamp "yesterday" is no time'),
    ]
    assert search_store.indices("times-*") == ["times-2026.11.21"]


def test_an_id_that_is_too_long(search_store: Store) -> None:
    made = [document(n) for n in range(5)]
    made[2]["_id"] = "é" * 257
    (rejection,) = deliver(search_store, "ids", *made)
    assert (rejection.index, rejection.reason) == (2, "its _id has 514 bytes, and 512 is the most")
    assert search_store.count("ids-*") == 4


def test_one_for_which_the_server_refuses_all(
    search_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_sink, "LONGEST_ID", 10_000)
    made = [document(n) for n in range(200)]
    made[17]["_id"] = made[118]["_id"] = "x" * 513
    rejections = deliver(search_store, "whole", *made)
    assert [each.index for each in rejections] == [17, 118]
    assert all(each.reason.startswith("Validation Failed: 1: id [xxx") for each in rejections)
    assert search_store.count("whole-*") == 198


@pytest.fixture(scope="module")
def tight(opensearch: Store) -> Iterator[Store]:
    """OpenSearch with a small queue, little memory for requests, and short ones only."""
    lines = (
        "thread_pool.write.size: 1\nthread_pool.write.queue_size: 1\n"
        "indexing_pressure.memory.limit: 256kb\nhttp.max_content_length: 1mb\n"
    )
    with opensearch.configured(lines):
        yield opensearch


@pytest.mark.parametrize("size", [300_000, 1_500_000])
def test_one_that_is_too_large(tight: Store, size: int) -> None:
    # Above 256 kB it has no memory (429), above 1 MiB it does not even listen (413).
    made = [document(n, reason="x" * (size if n == 7 else 10)) for n in range(20)]
    (rejection,) = deliver(tight, f"large-{size}", *made)
    assert rejection.index == 7
    shown = "300kB" if size == 300_000 else "1.5MB"
    assert rejection.reason == f"with {shown} it is more than the server takes at once"
    assert tight.count(f"large-{size}-*") == 19


def test_batches_that_are_too_large_go_in_parts(tight: Store) -> None:
    made = [document(n, reason="x" * 5000) for n in range(400)]
    assert deliver(tight, "parts", *made) == []
    assert tight.count("parts-*") == 400


def test_a_queue_that_is_full(tight: Store, tmp_path: Path) -> None:
    # Each shard's part of a batch stands in the queue by itself, which holds one.
    path = journal(tmp_path, 1000)
    outcome = shipped(path, tight, "queue", within=120, batch=100, shards=4)
    assert (outcome.shipped, outcome.rejected, outcome.trouble) == (1000, 0, "")
    assert tight.count("queue-*") == 1000


def test_a_breaker_that_one_document_trips(tight: Store) -> None:
    made = sink(tight, "busy")
    assert made.deliver(items(document(1))) == []
    limit: dict[str, Any] = {"network__breaker__inflight_requests__limit": "1kb"}
    with tight.cluster(**limit):
        (rejection,) = made.deliver(items(document(2, reason="x" * 2000)))
    made.close()
    assert rejection.reason == "with 2.17kB it is more than the server takes at once"


def test_an_answer_for_others_is_none(search_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lakecheck.sinks.search_bulk._PATH", "_bulk?filter_path=errors&timeout={}ms"
    )
    with pytest.raises(SinkTrouble, match="it answers for other documents than were sent"):
        deliver(search_store, "others", document(1, duration="soon"))
