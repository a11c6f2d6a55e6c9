"""A result as a document."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import msgspec
import pytest

from lakecheck import __version__
from lakecheck.documents import Context, Redactor, Result, document, result
from lakecheck.documents.result import MESSAGE_LIMIT, fingerprint, identity, rfc3339
from lakecheck.errors import Corrupt, Full
from lakecheck.model import Credential
from tests.engine.test_scheduler import endpoint, link, single

CONTEXT = Context(
    run_id="20261121T090000Z-7f3a90c1",
    trigger="ci",
    started=1795255200.0,
    spec_name="escape",
    spec_digest="aa",
    inventory_digest="bb",
    url="https://ci.example.org/7",
    attributes={"A": {"site": "DESY", "tier": 2, "vo": "lake"}, "B": {"site": "CNAF"}},
    credentials={"robot": Credential("robot", "x509", "/nowhere")},
    redactor=Redactor(["hunter-two"]),
)
ENDED = 1795255201.2345


def passed() -> dict[str, Any]:
    """The document of a check that passed."""
    case = msgspec.structs.replace(single(endpoint("A")), credential="robot")
    result = Result(case, "upload", "passed", ENDED, duration=0.5, bytes=100, measures={"x": 1})
    return document(result, CONTEXT)


def test_what_a_document_tells_of_the_run() -> None:
    assert (
        passed().items()
        >= {
            "@timestamp": "2026-11-21T10:00:01.234Z",
            "_id": identity("20261121T090000Z-7f3a90c1", "t::A.davs.100B.upload"),
            "document": "result",
            "version": 1,
            "run.id": "20261121T090000Z-7f3a90c1",
            "run.trigger": "ci",
            "run.url": "https://ci.example.org/7",
            "run.started": "2026-11-21T10:00:00.000Z",
            "spec.name": "escape",
            "spec.digest": "aa",
            "inventory.digest": "bb",
            "tester.host": socket.gethostname(),
            "tester.version": __version__,
        }.items()
    )


CHECK = {
    "test": "t",
    "kind": "functional",
    "case": "A.davs.100B",
    "check": "upload",
    "attempt": 1,
    "rse": "A",
    "site": "DESY",
    "vo": "lake",
    "endpoint": "davs://a.example.org:443/x",
    "host": "a.example.org",
    "protocol": "davs",
    "labels.site": "DESY",
    "labels.tier": 2,
    "labels.vo": "lake",
    "size": 100,
    "credential": "robot",
    "auth_method": "x509",
    "status": "passed",
    "duration": 0.5,
    "bytes": 100,
    "throughput": 200,
    "functional.x": 1,
}


def test_what_a_document_tells_of_the_check_and_nothing_else() -> None:
    groups = ("@", "_", "document", "version", "run.", "spec.", "inventory.", "tester.")

    assert {name: value for name, value in passed().items() if not name.startswith(groups)} == CHECK


def test_the_testers_address_is_one_of_this_machine() -> None:
    address = ipaddress.ip_address(passed()["tester.ip"])

    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as own:
        own.bind((str(address), 0))  # refused for an address of another machine


def test_without_a_route_the_testers_address_is_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "OUTSIDE", ((socket.AF_INET, "no address"),))

    assert result.own_address() == "127.0.0.1"


def test_a_second_endpoint_is_of_the_same_protocol() -> None:
    second = msgspec.structs.replace(endpoint("A"), protocol="davs-2")

    assert document(Result(single(second), "stat", "passed", ENDED), CONTEXT)["protocol"] == "davs"
    made = document(Result(link(second, second), "copy", "passed", ENDED), CONTEXT)
    ends = ("protocol", "source.protocol", "destination.protocol")
    assert [made[name] for name in ends] == ["davs"] * 3


def test_a_link_has_both_ends() -> None:
    made = document(Result(link(endpoint("A"), endpoint("B")), "copy", "passed", ENDED), CONTEXT)

    assert made["source.rse"] == "A"
    assert (made["source.site"], made["source.vo"]) == ("DESY", "lake")
    assert (made["source.labels.tier"], made["destination.labels.site"]) == (2, "CNAF")
    assert made["destination.host"] == "b.example.org"
    assert made["transfer.mode"] == "pull"
    assert made["protocol"] == "davs"
    assert "rse" not in made


def test_no_leaf_is_a_parent() -> None:
    for case in (single(endpoint("A")), link(endpoint("A"), endpoint("B"))):
        error = Full("no room", code=28, phase="write", host="h")
        made = document(
            Result(case, case.steps[0], "failed", ENDED, error=error, reason="x"), CONTEXT
        )
        for name in made:
            assert not [other for other in made if other.startswith(f"{name}.")], name


def test_an_error_is_told_redacted_and_cut() -> None:
    error = Corrupt("hunter-two " + "x" * 10_000, code=5, side="destination", host="h", phase="p")

    made = document(Result(single(endpoint("A")), "stat", "failed", ENDED, error=error), CONTEXT)

    assert made["error.class"] == "checksum"
    assert (made["error.side"], made["error.code"], made["error.host"]) == ("destination", 5, "h")
    assert made["error.message"].startswith("*** xxx")
    assert len(made["error.message"]) == MESSAGE_LIMIT


def test_a_result_of_zero_seconds_keeps_them() -> None:
    made = document(Result(single(endpoint("A")), "stat", "passed", ENDED, duration=0.0), CONTEXT)

    assert made["duration"] == 0.0
    assert "throughput" not in made


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("no answer within 60s", "no answer within 3.5s", True),
        ("/a/b 20261121 is missing", "/c/d 20261122 is missing", True),
        ("0123456789abcdef differs", "fedcba9876543210 differs", True),
        ("connection refused", "connection reset", False),
    ],
)
def test_fingerprints_group_equal_messages(one: str, other: str, same: bool) -> None:
    assert (fingerprint(one, "timeout") == fingerprint(other, "timeout")) is same
    assert fingerprint(one, "timeout") != fingerprint(one, "full")


def test_times_are_rfc_3339_with_milliseconds() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1795255200.9999) == "2026-11-21T10:00:00.999Z"


def test_ids_are_digests_of_run_and_address() -> None:
    assert identity("a", "bc") != identity("ab", "c")
    assert len(identity("a")) == 32
