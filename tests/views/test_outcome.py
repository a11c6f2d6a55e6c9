from __future__ import annotations

from lakecheck.views.failure import sentence_of
from lakecheck.views.outcome import decode, read
from tests.views.runs import DENIED, Run


def test_a_link_has_two_rses_and_a_variant() -> None:
    run = Run()
    run.link("A-1", "B-2", mode="push")
    outcome = decode(run.documents[0])

    assert outcome.is_link
    assert outcome.place == "A-1~B-2"
    assert outcome.variant == "1MB.push"
    assert outcome.address == "tpc-small::A-1~B-2.davs.1MB.push.copy"


def test_a_second_endpoint_keeps_its_label_and_shares_its_protocol() -> None:
    document = {"rse": "A", "protocol": "davs", "check": "stat", "status": "passed"}
    first = decode(document | {"case": "A.davs.100B"})
    second = decode(document | {"case": "A.davs-2.100B.robot-2"})

    assert (first.protocol, first.label, first.variant) == ("davs", "davs", "100B")
    assert (second.protocol, second.label, second.variant) == ("davs", "davs-2", "100B.robot-2")
    assert sentence_of(second) == sentence_of(first)


def test_the_protocol_is_read_from_the_endpoint_where_no_field_has_it() -> None:
    assert decode({"endpoint": "root://h:1094/data"}).protocol == "root"


def test_the_last_document_of_a_check_counts_and_other_documents_do_not() -> None:
    run = Run()
    run.functional("A")
    first = run.documents[0]
    documents = [
        *run.documents,
        {**first, "status": "failed"},
        {**first, "document": "attempt", "status": "error"},
    ]

    outcomes = read(documents)

    assert len(outcomes) == 5
    assert [outcome.status for outcome in outcomes] == ["failed", *["passed"] * 4]


def test_fields_of_wrong_types_are_left_out() -> None:
    outcome = decode(
        {"test": 7, "duration": "long", "size": True, "expected": [3], "repeat": {"a": 1}}
    )

    assert outcome.test == "7"
    assert (outcome.duration, outcome.size) == (None, None)
    assert (outcome.expected, outcome.repeat) == ((), ())


def test_errors_that_differ_in_numbers_only_are_alike() -> None:
    ones = [
        decode({**DENIED, "error.message": f"HTTP 403 on davs://host-{n}:1/x after {n} s"})
        for n in range(2)
    ]
    other = decode({**DENIED, "error.message": "no such user"})

    assert ones[0].likeness == ones[1].likeness != other.likeness


def test_an_unknown_status_never_looks_passed() -> None:
    outcome = decode({"test": "a", "case": "b", "check": "c", "status": "fine"})

    assert (outcome.status, outcome.reason) == ("error", 'its document has the status "fine"')
