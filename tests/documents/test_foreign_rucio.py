"""Rucio's events as hermes publishes them, with the payloads of a server 41.5."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakecheck.documents.foreign import NotUnderstood, recognise

CREATED = "2026-11-21 09:00:00.123456"
TRANSFER: dict[str, Any] = {
    "activity": "Functional Test",
    "request-id": "5f1c2ab0c8bd4d3a9a3f4be53b67347c",
    "duration": 8,
    "checksum-adler": "8f2b0c11",
    "checksum-md5": None,
    "file-size": 1000000,
    "bytes": 1000000,
    "protocol": "davs",
    "scope": "testing",
    "name": "1MB.1",
    "dataset": None,
    "datasetScope": None,
    "src-rse": "DESY-DCACHE",
    "src-url": "root://dcache.example.org:1094//lake/testing/1MB.1",
    "src-type": "DISK",
    "dst-rse": "CNAF-STORM",
    "dst-url": "davs://storm.example.org:8443/lake/testing/1MB.1",
    "dst-type": "DISK",
    "reason": "",
    "transfer-endpoint": "https://fts.example.org:8446",
    "transfer-id": "4f1e7f0c-c5a0-11f0-a3a4-fa163e8d5a3e",
    "transfer_link": "https://fts.example.org:8449/fts3/ftsmon/#/job/4f1e7f0c",
    "created_at": "2026-11-21 08:59:30",
    "submitted_at": "2026-11-21 08:59:40",
    "started_at": "2026-11-21 08:59:50",
    "transferred_at": "2026-11-21 08:59:58",
    "account": "root",
    "datatype": None,
}
DELETION: dict[str, Any] = {
    "scope": "testing",
    "name": "1MB.1",
    "rse": "CNAF-STORM",
    "file-size": 1000000,
    "bytes": 1000000,
    "url": "davs://storm.example.org:8443/lake/testing/1MB.1",
    "protocol": "davs",
    "duration": 0.25,
    "vo": "escape",
}


def message(event_type: str, payload: Any, **more: Any) -> bytes:
    whole = {"event_type": event_type, "payload": payload, "created_at": CREATED, **more}
    return json.dumps(whole).encode()


def one(event_type: str, payload: Any, **more: Any) -> dict[str, Any]:
    (document,) = recognise(message(event_type, payload, **more), {})
    return document


def test_a_transfer_that_is_done() -> None:
    document = one("transfer-done", TRANSFER)

    assert len(document.pop("_id")) == 32
    assert document == {
        "@timestamp": "2026-11-21T09:00:00.123Z",
        "document": "event",
        "version": 1,
        "event.source": "rucio",
        "event.type": "transfer-done",
        "source.rse": "DESY-DCACHE",
        "source.host": "dcache.example.org",
        "source.protocol": "root",
        "destination.rse": "CNAF-STORM",
        "destination.host": "storm.example.org",
        "destination.protocol": "davs",
        "host": "storm.example.org",
        "protocol": "davs",
        "service": "fts.example.org",
        "job.id": "4f1e7f0c-c5a0-11f0-a3a4-fa163e8d5a3e",
        "job.url": "https://fts.example.org:8449/fts3/ftsmon/#/job/4f1e7f0c",
        "status": "passed",
        "size": 1000000,
        "bytes": 1000000,
        "duration": 8,
        "throughput": 125000,
        "rucio.activity": "Functional Test",
        "rucio.request-id": "5f1c2ab0c8bd4d3a9a3f4be53b67347c",
        "rucio.checksum-adler": "8f2b0c11",
        "rucio.scope": "testing",
        "rucio.name": "1MB.1",
        "rucio.src-url": "root://dcache.example.org:1094//lake/testing/1MB.1",
        "rucio.src-type": "DISK",
        "rucio.dst-url": "davs://storm.example.org:8443/lake/testing/1MB.1",
        "rucio.dst-type": "DISK",
        "rucio.transfer-endpoint": "https://fts.example.org:8446",
        "rucio.created_at": "2026-11-21T08:59:30.000Z",
        "rucio.submitted_at": "2026-11-21T08:59:40.000Z",
        "rucio.started_at": "2026-11-21T08:59:50.000Z",
        "rucio.transferred_at": "2026-11-21T08:59:58.000Z",
        "rucio.account": "root",
    }


@pytest.mark.parametrize("event_type", ["transfer-submitted", "transfer-queued"])
def test_a_transfer_that_goes_on_has_no_status(event_type: str) -> None:
    document = one(event_type, {**TRANSFER, "duration": -1, "reason": None})

    assert (document["event.type"], document["size"]) == (event_type, 1000000)
    assert {"status", "bytes", "duration", "throughput"}.isdisjoint(document)
    assert document["rucio.duration"] == -1


@pytest.mark.parametrize(
    ("reason", "sort", "side", "code"),
    [
        ("SOURCE [2] Failed to stat file (No such file or directory)", "missing", "source", 2),
        (
            "DESTINATION [17] Destination file exists and overwrite is not enabled",
            "exists",
            "destination",
            17,
        ),
        (
            "TRANSFER [5] Source and destination checksums do not match",
            "checksum",
            "transfer",
            5,
        ),
        ("SOURCE [111] Failed to stat file (Connection refused)", "unreachable", "source", 111),
        ("TRANSFER [5] Input/output error", "unknown", "transfer", 5),
        ("Something went wrong", "unknown", None, None),
    ],
)
def test_a_transfer_that_failed(reason: str, sort: str, side: str, code: int) -> None:
    document = one("transfer-failed", {**TRANSFER, "reason": reason})

    assert (document["status"], document["error.message"]) == ("failed", reason)
    assert document["error.class"] == sort
    assert (document.get("error.side"), document.get("error.code")) == (side, code)
    assert document["error.fingerprint"]
    assert {"reason", "rucio.reason", "bytes", "throughput"}.isdisjoint(document)


@pytest.mark.parametrize("outcome", ["submission_failed", "lost"])
def test_what_fts_or_rucio_lost_is_on_the_side_of_the_service(outcome: str) -> None:
    document = one(f"transfer-{outcome}", {**TRANSFER, "reason": None})
    assert (document["status"], document["error.side"]) == ("failed", "service")


def test_a_deletion_that_is_done() -> None:
    document = one("deletion-done", DELETION)

    assert document["status"] == "passed"
    assert (document["rse"], document["host"]) == ("CNAF-STORM", "storm.example.org")
    assert (document["bytes"], document["duration"], document["vo"]) == (1000000, 0.25, "escape")
    assert document["rucio.url"] == DELETION["url"]
    assert "throughput" not in document


def test_a_deletion_that_failed() -> None:
    reason = "The requested service is not available at the moment."
    document = one("deletion-failed", {**DELETION, "reason": reason})
    assert (document["status"], document["error.message"]) == ("failed", reason)


def test_a_file_that_was_not_there_to_be_deleted_is_a_warning() -> None:
    document = one("deletion-not-found", {**DELETION, "reason": "File Not Found"})
    assert (document["status"], document["severity"]) == ("passed", "warning")
    assert document["reason"] == "File Not Found"


def test_a_planned_deletion_has_no_status() -> None:
    document = one("deletion-planned", DELETION)
    assert document["size"] == 1000000
    assert {"status", "bytes"}.isdisjoint(document)


def test_other_events_are_kept_as_they_are() -> None:
    document = one("RULE_OK", {"scope": "testing", "rule_id": "a1", "locks": {"ok": 3, "x.y": []}})

    assert document["event.type"] == "rule_ok"
    assert document["rucio.rule_id"] == "a1"
    assert document["rucio.locks.ok"] == 3
    assert "status" not in document


def test_a_list_of_events_is_a_document_each() -> None:
    both = [json.loads(message(kind, TRANSFER)) for kind in ("transfer-queued", "transfer-done")]
    found = recognise(json.dumps(both).encode(), {})
    assert [each["event.type"] for each in found] == ["transfer-queued", "transfer-done"]


def test_what_elasticsearch_is_told_is_the_same_event() -> None:
    lines = [
        line
        for number, kind in enumerate(("transfer-queued", "transfer-done"))
        for line in (b'{ "index":{ } }', message(kind, TRANSFER, id=number, services="elastic"))
    ]

    found = recognise(b"\n".join([*lines, b""]).replace(b"21 09:", b"21T09:"), {})
    assert found[1].pop("rucio.message-id") == 1
    assert found[1].pop("rucio.services") == "elastic"
    assert found[1] == one("transfer-done", TRANSFER)


def test_the_same_event_is_the_same_document_and_another_is_not() -> None:
    first = one("transfer-done", TRANSFER)["_id"]
    turned = dict(reversed(TRANSFER.items()))
    other = {**TRANSFER, "request-id": "0"}

    assert one("transfer-done", turned)["_id"] == first
    assert one("transfer-done", other)["_id"] != first
    assert one("transfer-failed", TRANSFER)["_id"] != first


def test_an_event_without_a_time_has_that_of_its_broker() -> None:
    body = json.dumps({"event_type": "rule-ok", "payload": {}}).encode()

    (document,) = recognise(body, {"timestamp": "1763715600123"})
    assert document["@timestamp"] == "2025-11-21T09:00:00.123Z"
    with pytest.raises(NotUnderstood, match=r"^Rucio's rule-ok has no time$"):
        recognise(body, {})


def test_a_payload_as_text_is_read() -> None:
    assert one("rule-ok", '{"rule_id": "a1"}')["rucio.rule_id"] == "a1"


@pytest.mark.parametrize("payload", ["{", "3", "[1]", 3, None, []])
def test_a_payload_that_is_no_object_is_told(payload: Any) -> None:
    with pytest.raises(NotUnderstood, match=r"^the payload of Rucio's rule-ok is no JSON object$"):
        recognise(message("rule-ok", payload), {})


def test_what_is_no_text_is_kept_where_it_did_not_become_a_field() -> None:
    document = one("transfer-done", {**TRANSFER, "src-rse": 7, "reason": {"a": 1}, "bytes": "x"})
    assert document["rucio.src-rse"] == 7
    assert document["rucio.reason.a"] == 1
    assert document["rucio.bytes"] == "x"
    assert "source.rse" not in document


def test_secrets_in_urls_are_masked() -> None:
    signed = TRANSFER["dst-url"] + "?authz=Bearer%20abcdef"
    document = one("transfer-done", {**TRANSFER, "dst-url": signed})
    assert "abcdef" not in json.dumps(document)
    assert document["destination.host"] == "storm.example.org"
