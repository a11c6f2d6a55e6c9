"""FTS's monitoring messages, with the keys of an FTS 3.14."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakecheck.documents.foreign import NotUnderstood, recognise

JOB = "f9b18c10-0132-51df-b341-3031a0a9ea39"
COMPLETE: dict[str, Any] = {
    "tr_id": f"2026-11-21-0859__dcache.example.org__storm.example.org__146143__{JOB}",
    "job_id": JOB,
    "file_id": 146143,
    "endpnt": "fts.example.org",
    "vo": "escape",
    "src_url": "davs://dcache.example.org:2880/lake/1GB",
    "dst_url": "davs://storm.example.org:8443/lake/1GB",
    "src_hostname": "dcache.example.org",
    "dst_hostname": "storm.example.org",
    "src_se": "davs://dcache.example.org",
    "dst_se": "davs://storm.example.org",
    "src_site_name": "DESY",
    "dst_site_name": "",
    "protocol": "davs",
    "t_error_code": 0,
    "tr_error_scope": "",
    "t_failure_phase": "",
    "tr_error_category": "",
    "t_final_transfer_state": "Ok",
    "t_final_transfer_state_flag": 1,
    "tr_bt_transfered": 1000000000,
    "f_size": 1000000000,
    "file_size": 1000000000,
    "t__error_message": "",
    "tr_timestamp_start": 1795251588877,
    "tr_timestamp_complete": 1795251600123,
    "transfer_time": 10000,
    "operation_time": 10500,
    "throughput": 99999999.6,
    "file_metadata": {"request_id": "5f1c", "src_rse": "DESY-DCACHE", "dst_rse": "CNAF-STORM"},
    "job_metadata": {"issuer": "rucio", "multi_sources": False},
    "retry": 0,
    "retry_max": 1,
    "job_state": "FINISHED",
    "ipver": "ipv6",
    "transfer_type": "3rd pull",
    "auth_method": "certificate",
}
START: dict[str, Any] = {
    "transfer_id": COMPLETE["tr_id"],
    "job_id": JOB,
    "file_id": 146143,
    "endpnt": "fts.example.org",
    "timestamp": 1795251588877,
    "vo": "escape",
    "src_url": COMPLETE["src_url"],
    "dst_url": COMPLETE["dst_url"],
    "src_site_name": "",
    "dst_site_name": "",
    "user_dn": "",
    "file_metadata": "",
    "job_metadata": "",
}
STATE: dict[str, Any] = {
    "user_dn": "/DC=org/CN=robot",
    "src_url": COMPLETE["src_url"],
    "dst_url": COMPLETE["dst_url"],
    "vo_name": "escape",
    "source_se": "davs://dcache.example.org",
    "dest_se": "davs://storm.example.org",
    "job_id": JOB,
    "file_id": 146143,
    "job_state": "ACTIVE",
    "file_state": "ACTIVE",
    "retry_counter": 0,
    "retry_max": 0,
    "user_filesize": 0,
    "timestamp": 1795251588900,
    "submit_time": 1795251580000,
    "staging": False,
    "reason": "",
    "job_metadata": {"issuer": "rucio"},
    "file_metadata": {"activity": "Functional Test"},
}


def one(body: dict[str, Any], before: str = "", after: str = "") -> dict[str, Any]:
    (document,) = recognise(f"{before}{json.dumps(body)}{after}".encode(), {})
    return document


def test_a_transfer_that_is_complete() -> None:
    document = one(COMPLETE, after="\x04")

    assert len(document.pop("_id")) == 32
    own = {name: value for name, value in document.items() if not name.startswith("fts.")}
    assert own == {
        "@timestamp": "2026-11-21T09:00:00.123Z",
        "document": "event",
        "version": 1,
        "event.source": "fts",
        "event.type": "complete",
        "source.rse": "DESY-DCACHE",
        "source.site": "DESY",
        "source.host": "dcache.example.org",
        "source.protocol": "davs",
        "destination.rse": "CNAF-STORM",
        "destination.host": "storm.example.org",
        "destination.protocol": "davs",
        "host": "storm.example.org",
        "protocol": "davs",
        "service": "fts.example.org",
        "vo": "escape",
        "job.id": JOB,
        "auth_method": "x509",
        "transfer.mode": "pull",
        "size": 1000000000,
        "bytes": 1000000000,
        "duration": 10.0,
        "throughput": 100000000,
        "status": "passed",
    }
    assert document["fts.tr_id"] == COMPLETE["tr_id"]
    assert document["fts.file_metadata.request_id"] == "5f1c"
    assert document["fts.job_metadata.issuer"] == "rucio"
    assert document["fts.ipver"] == "ipv6"
    assert "fts.t__error_message" not in document


def test_numbers_may_be_texts() -> None:
    texts = {key: str(value) if type(value) is int else value for key, value in COMPLETE.items()}
    found, wanted = one(texts), one(COMPLETE)
    for name in ("@timestamp", "_id", "size", "bytes", "duration", "throughput"):
        assert found[name] == wanted[name]


def test_a_transfer_that_failed() -> None:
    document = one(
        {
            **COMPLETE,
            "t_final_transfer_state": "Error",
            "tr_bt_transfered": 0,
            "throughput": 0,
            "t_error_code": "2",
            "tr_error_scope": "SOURCE",
            "tr_error_category": "NO_SUCH_FILE_OR_DIRECTORY",
            "t_failure_phase": "TRANSFER_PREPARATION",
            "t__error_message": "SOURCE [2] Failed to stat file (No such file or directory)",
        }
    )

    assert document["status"] == "failed"
    assert document["error.class"] == "missing"
    assert document["error.side"] == "source"
    assert document["error.code"] == 2
    assert document["error.phase"] == "TRANSFER_PREPARATION"
    assert document["error.message"].startswith("SOURCE [2] Failed to stat file")
    assert document["fts.tr_error_category"] == "NO_SUCH_FILE_OR_DIRECTORY"
    assert {"bytes", "reason", "fts.t_error_code"}.isdisjoint(document)


def test_fts_itself_is_a_service() -> None:
    failed = {**COMPLETE, "t_final_transfer_state": "Error", "tr_error_scope": "AGENT"}
    assert one(failed)["error.side"] == "service"


def test_a_transfer_that_was_stopped_has_a_reason_and_no_status() -> None:
    document = one(
        {**COMPLETE, "t_final_transfer_state": "Abort", "t__error_message": "canceled by the user"}
    )
    assert document["reason"] == "canceled by the user"
    assert "status" not in document


def test_a_start() -> None:
    document = one(START, before="ST ", after="\x04")

    assert document["@timestamp"] == "2026-11-21T08:59:48.877Z"
    assert (document["event.type"], document["job.id"]) == ("start", JOB)
    assert document["source.host"] == "dcache.example.org"
    assert {"status", "bytes", "fts.user_dn", "fts.file_metadata"}.isdisjoint(document)


@pytest.mark.parametrize(
    ("state", "status"),
    [("ACTIVE", None), ("CANCELED", None), ("FINISHED", "passed"), ("FAILED", "failed")],
)
def test_a_state(state: str, status: str | None) -> None:
    document = one({**STATE, "file_state": state}, before="SS ")

    assert (document["event.type"], document["vo"]) == ("state", "escape")
    assert document["fts.file_state"] == state
    assert document.get("status") == status
    assert document["fts.file_metadata.activity"] == "Functional Test"


def test_what_the_optimizer_decided_is_kept() -> None:
    decision = {
        "source_se": "davs://dcache.example.org",
        "dest_se": "davs://storm.example.org",
        "throughput": 1.5,
        "connections": 12,
        "rationale": "Good link efficiency",
        "timestamp": 1795251588900,
    }
    document = one(decision, before="OP ")

    assert document["event.type"] == "optimizer"
    assert document["destination.host"] == "storm.example.org"
    assert document["fts.connections"] == 12
    assert document["fts.throughput"] == 1.5


def test_several_messages_in_one_body() -> None:
    body = f"{json.dumps(START)}\x04\n{json.dumps(COMPLETE)}\x04".encode()
    assert [each["event.type"] for each in recognise(body, {})] == ["start", "complete"]


def test_a_retry_is_another_document_and_the_same_message_is_not() -> None:
    first = one(COMPLETE)["_id"]
    assert one({**COMPLETE, "activity": "told later"})["_id"] == first
    assert one({**COMPLETE, "retry": 1})["_id"] != first
    assert one({**STATE, "file_state": "FAILED"})["_id"] != one(STATE)["_id"]


@pytest.mark.parametrize("time", ["soon", 10**30, [1], {"a": 1}, True])
def test_a_time_that_is_none_is_told(time: Any) -> None:
    with pytest.raises(NotUnderstood, match=r"^the time of FTS's complete message: .* is no time"):
        one({**COMPLETE, "tr_timestamp_complete": time})
