"""Bodies of messages, whatever they hold: documents, or a sentence, and nothing else."""

from __future__ import annotations

import copy
import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakecheck.documents.foreign import NotUnderstood, recognise
from tests.documents.test_foreign_fts import COMPLETE, STATE
from tests.documents.test_foreign_rucio import DELETION, TRANSFER

OURS: dict[str, Any] = {
    "@timestamp": "2026-11-21T09:00:00.000Z",
    "_id": "0" * 32,
    "document": "result",
    "version": 1,
    "status": "passed",
    "duration": 0.1,
    "expected": [{"condition": "size > 1B", "seen": "2B", "met": True}],
}


def encoded(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document)


def test_another_testers_documents_are_kept_byte_for_byte() -> None:
    body = encoded(OURS)
    assert [encoded(each) for each in recognise(body, {})] == [body]


@pytest.mark.parametrize(("first", "between", "last"), [("[", ",", "]"), ("", "\n", "\n")])
def test_several_of_them(first: str, between: str, last: str) -> None:
    documents = [{**OURS, "_id": f"{number:032x}"} for number in range(3)]
    body = first + between.join(encoded(each).decode() for each in documents) + last
    assert recognise(body.encode(), {}) == documents


@pytest.mark.parametrize("kind", ["verdict", "event", "metric", "rollup"])
def test_of_every_type(kind: str) -> None:
    assert recognise(encoded({**OURS, "document": kind}), {}) == [{**OURS, "document": kind}]


def test_a_byte_order_mark_does_no_harm() -> None:
    assert recognise(b"\xef\xbb\xbf" + encoded(OURS), {}) == [OURS]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "it is empty"),
        (b" \n\x04\n", "it is empty"),
        (b"\xff\xfe{\x00}\x00", "it is not in UTF-8: byte 0xff in place 0"),
        (b'{"a": "\xe9"}', "it is not in UTF-8: byte 0xe9 in place 7"),
        (gzip.compress(b"{}"), "it is compressed (gzip); lakecheck reads plain text"),
        (
            b"x" * 10_000_000,
            "its 10,000,000 bytes are more than the 8,388,608 that are read",
        ),
        (
            b"hello",
            "it is neither JSON nor a probe's record: "
            "JSON is malformed: invalid character (byte 0)",
        ),
        (b'{"a": 1', "it is neither JSON nor a probe's record: Input data was truncated"),
        (encoded(OURS) + b'\n{"a"\n', "line 2 is no JSON: Input data was truncated"),
        (b"3", "it has a JSON number where an event is an object"),
        (b'"text"', "it has a JSON text where an event is an object"),
        (b"null", "it has a JSON null where an event is an object"),
        (b"[[1]]", "it has a JSON array where an event is an object"),
        (b"[true]", "it has a JSON true or false where an event is an object"),
        (
            b'{"b": 1, "a": 2}',
            "its JSON is no event of Rucio or FTS, and no lakecheck document: its keys are a, b",
        ),
        (
            b"{}",
            "its JSON is no event of Rucio or FTS, and no lakecheck document: its keys are none",
        ),
        (b"[" * 100_000, "its JSON is nested too deeply"),
        (b'{"a":' * 100_000, "its JSON is nested too deeply"),
        (
            b'{"@timestamp": "2026-11-21T09:00:00.000Z", "document": "result"}',
            "a lakecheck document lacks _id",
        ),
        (
            b'{"@timestamp": 5, "_id": "a", "document": "result"}',
            "a lakecheck document lacks @timestamp",
        ),
    ],
)
def test_what_is_not_understood_is_said(body: bytes, told: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        recognise(body, {})
    assert str(caught.value) == told


def test_an_empty_list_holds_nothing() -> None:
    assert recognise(b"[]", {}) == []


def test_a_message_is_understood_whole_or_not_at_all() -> None:
    with pytest.raises(NotUnderstood):
        recognise(b"[" + encoded(OURS) + b",{}]", {})


def test_very_long_texts_are_cut_and_deep_objects_are_texts() -> None:
    deep: Any = {"leaf": 1}
    for _ in range(8):
        deep = {"down": deep}
    payload = {"long": "x" * 50_000, "deep": deep, "many": [{"a": 1}], "big": 10**25, "a.b": 1}
    body = {"event_type": "rule-ok", "payload": payload, "created_at": "2026-11-21 09:00:00"}

    (document,) = recognise(json.dumps(body).encode(), {})
    assert document["rucio.long"] == "x" * 8000
    assert document["rucio.deep.down.down.down"].startswith('{"down"')
    assert document["rucio.many"] == '[{"a": 1}]'
    assert document["rucio.big"] == "10000000000000000000000000"
    assert document["rucio.a_b"] == 1


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
HEADERS = st.dictionaries(st.sampled_from(["timestamp", "event_type"]), st.text(max_size=14))
SHAPES = (
    {"event_type": "transfer-done", "payload": TRANSFER, "created_at": "2026-11-21 09:00:00"},
    {"event_type": "deletion-failed", "payload": DELETION, "created_at": "2026-11-21 09:00:00"},
    TRANSFER,
    COMPLETE,
    STATE,
    OURS,
)


def sound(document: dict[str, Any]) -> None:
    """Check what every store relies on."""
    assert isinstance(document["_id"], str)
    assert isinstance(document["@timestamp"], str)
    for name, value in document.items():
        parts = name.split(".")
        parents = {".".join(parts[:count]) for count in range(1, len(parts))}
        assert parents.isdisjoint(document)
        assert isinstance(value, str | int | float | bool | list)
    msgspec.json.encode(document)


def understood(body: bytes, headers: dict[str, str]) -> list[dict[str, Any]]:
    try:
        return recognise(body, headers)
    except NotUnderstood:
        return []


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), HEADERS)
def test_random_bytes_are_documents_or_a_sentence(body: bytes, headers: dict[str, str]) -> None:
    understood(body, headers)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aEOT: \n\x04{}[]\"',.:Z09-é", max_size=80), HEADERS)
def test_random_texts_are_documents_or_a_sentence(body: str, headers: dict[str, str]) -> None:
    understood(body.encode(), headers)


@settings(max_examples=300, deadline=None)
@given(JSON, HEADERS)
def test_random_json_is_documents_or_a_sentence(content: Any, headers: dict[str, str]) -> None:
    understood(json.dumps(content).encode(), headers)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(SHAPES), st.data())
def test_known_shapes_with_random_values_are_sound(
    shape: dict[str, Any], data: st.DataObject
) -> None:
    body = copy.deepcopy(shape)
    inner = body.get("payload") if data.draw(st.booleans()) else None
    place: dict[str, Any] = inner or body
    for name in data.draw(st.lists(st.sampled_from(sorted(place)), max_size=4)):
        place[name] = data.draw(JSON)
    place |= data.draw(st.dictionaries(st.text(max_size=5), JSON, max_size=2))
    for document in understood(json.dumps(body).encode(), {"timestamp": "1763715600123"}):
        if shape is not OURS:
            sound(document)
