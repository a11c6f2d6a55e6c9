"""Records of grid probes: those that real ones write, and every document of ours and back."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakecheck.documents.foreign import NotUnderstood, grid_probe, recognise
from lakecheck.documents.result import identity
from lakecheck.publish import moments

DIRAC = """\
hostName: ce.example.org
metricStatus: OK
timestamp: 2013-11-09T17:59:19Z
nagiosName: org.lhcb.DiracTest-lhcb
summaryData: publishing by Dirac successful
serviceURI:   ce.example.org
serviceFlavour: CE
siteName: myTestSite
metricName: org.lhcb.DiracTest
gatheredAt: sam-developers-machine
role: site
voName: lhcb
serviceType: org.lhcb.CE
detailsData: further details here:
EOT"""
RSV = """\
metricName: org.osg.batch.jobmanagers-available
metricType: status
timestamp: 2007-06-18T17:24:59Z
metricStatus: CRITICAL
serviceType: OSG-CE
serviceURI: itb.example.org:2119/jobmanager
gatheredAt: peart.example.org
summaryData: FAILED
detailsData: No batch scheduler answers.
  condor: none

EOTs are no end
EOT
"""


def read(text: str, **headers: str) -> list[dict[str, Any]]:
    return recognise(text.encode(), headers)


def test_a_record_as_probes_write_it() -> None:
    (document,) = read(DIRAC)

    assert len(document.pop("_id")) == 32
    assert document == {
        "@timestamp": "2013-11-09T17:59:19.000Z",
        "document": "record",
        "version": 1,
        "host": "ce.example.org",
        "status": "passed",
        "reason": "publishing by Dirac successful",
        "endpoint": "ce.example.org",
        "site": "myTestSite",
        "check": "org.lhcb.DiracTest",
        "tester.host": "sam-developers-machine",
        "vo": "lhcb",
        "probe.nagiosName": "org.lhcb.DiracTest-lhcb",
        "probe.serviceFlavour": "CE",
        "probe.role": "site",
        "probe.serviceType": "org.lhcb.CE",
        "probe.detailsData": "further details here:",
    }


@pytest.mark.parametrize("end", ["EOT", "\x04"])
def test_several_records_in_one_message(end: str) -> None:
    both = f"{DIRAC.removesuffix('EOT')}{end}\n{RSV.removesuffix('EOT' + chr(10))}{end}\n"
    first, second = read(both)

    assert first["check"] == "org.lhcb.DiracTest"
    assert (second["check"], second["status"]) == ("org.osg.batch.jobmanagers-available", "failed")
    assert second["probe.detailsData"] == (
        "No batch scheduler answers.\n  condor: none\n\nEOTs are no end"
    )


def test_lines_may_end_as_in_windows() -> None:
    (document,) = read(RSV.replace("\n", "\r\n"))
    assert document == read(RSV)[0]


def test_a_message_that_is_cut_anywhere_is_not_understood() -> None:
    text = DIRAC + "\n" + RSV.replace("EOTs", "Others")
    assert len(read(text)) == 2
    end = text.rindex("EOT")
    for length in range(len(DIRAC) + 2, end + 3):
        with pytest.raises(NotUnderstood):
            read(text[:length])
    with pytest.raises(NotUnderstood, match="not whole: the line EOT that ends it is missing"):
        read(text[:end])


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("OK", {"status": "passed"}),
        ("ok", {"status": "passed"}),
        ("WARNING", {"status": "passed", "severity": "warning"}),
        ("CRITICAL", {"status": "failed"}),
        ("UNKNOWN", {"status": "error"}),
    ],
)
def test_each_status(word: str, wanted: dict[str, str]) -> None:
    (document,) = read(
        f"metricName: a\nmetricStatus: {word}\ntimestamp: 2026-11-21T09:00:00Z\nEOT\n"
    )
    names = ("status", "severity", "probe.metricStatus")
    assert {name: document[name] for name in names if name in document} == wanted


def test_a_record_without_a_time_has_that_of_its_broker() -> None:
    (document,) = read("metricName: a\nmetricStatus: OK\nEOT\n", timestamp="1763715600123")
    assert document["@timestamp"] == "2025-11-21T09:00:00.123Z"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("metricName: a\nEOT\n", "record 1: it has no timestamp"),
        (
            f"{RSV}metricName: a\ntimestamp: 2010-11-19 11:40:19 CST\nEOT\n",
            "record 2: '2010-11-19 11:40:19 CST' is no time that has one meaning everywhere",
        ),
        ("metricName: a\nmetricName: b\n", "line 2: metricName is said twice; EOT ends a record"),
        ("metricName: a\nand so on\n", "line 2 is no `key: value`: 'and so on'"),
        (
            "metricName: a\nmetricStatus: FINE\ntimestamp: 2026-11-21T09:00:00Z\nEOT\n",
            "record 1: metricStatus 'FINE' is none of OK, WARNING, CRITICAL, UNKNOWN",
        ),
        (
            "Error: nothing\nAt: 5\nEOT\n",
            "record 1: no key of a probe's record is there, only Error, At",
        ),
        (
            "metricName: a\ntimestamp: 2026-11-21T09:00:00Z\nlakecheckData: {}\nEOT\n",
            "record 1: lakecheckData is not what lakecheck writes there",
        ),
        (
            "metricName: a\ntimestamp: 2026-11-21T09:00:00Z\n"
            'lakecheckData: {"set": {"_id": 5}, "unset": []}\nEOT\n',
            "record 1: lakecheckData leaves the document without _id",
        ),
    ],
)
def test_what_is_not_understood_is_said(text: str, told: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read(text)
    assert str(caught.value) == f"it looks like a probe's record, but {told}"


def test_a_probes_record_is_written_as_it_was() -> None:
    for text in (DIRAC, RSV):
        (document,) = read(text)
        again = grid_probe(document)
        assert read(again) == [document]
        assert "lakecheckData" not in again


RESULT: dict[str, Any] = {
    "@timestamp": "2026-11-21T09:00:00.250Z",
    "_id": "0f" * 16,
    "document": "result",
    "version": 1,
    "run.id": "20261121T090000Z-7f3a90c1",
    "tester.host": "tester.example.org",
    "test": "storage",
    "kind": "functional",
    "case": "CNAF-STORM.davs.100B.robot",
    "check": "upload",
    "rse": "CNAF-STORM",
    "endpoint": "davs://storm.example.org:8443/lake",
    "host": "storm.example.org",
    "size": 100,
    "vo": "escape",
    "status": "failed",
    "error.class": "denied",
    "error.message": "403 Forbidden\nEOT\nno right to write",
    "duration": 0.5,
    "expected": [{"condition": "size > 1B", "seen": "100B", "met": True}],
}


def test_a_result_is_a_record_that_other_consumers_read_too() -> None:
    lines = grid_probe(RESULT).split("\n")

    for line in (
        "hostName: storm.example.org",
        "siteName: CNAF-STORM",
        "serviceURI: davs://storm.example.org:8443/lake",
        "metricName: upload",
        "metricStatus: CRITICAL",
        "timestamp: 2026-11-21T09:00:00Z",
        "voName: escape",
        "gatheredAt: tester.example.org",
        "summaryData: 403 Forbidden EOT no right to write",
    ):
        assert line in lines
    assert lines[-5:] == ["detailsData: 403 Forbidden", " EOT", "no right to write", "EOT", ""]
    assert read("\n".join(lines)) == [RESULT]


def test_secrets_in_others_records_are_masked_and_ours_are_as_they_were() -> None:
    secret = "davs://storm.example.org/lake?authz=Bearer%20abcdef"
    (document,) = read(DIRAC.replace("ce.example.org", secret))
    assert "abcdef" not in json.dumps(document)
    assert read(grid_probe(document)) == [document]

    own = {**RESULT, "document": "record", "endpoint": secret, "note": "x" * 9000}
    assert read(grid_probe(own)) == [own]


def test_many_results_in_one_message() -> None:
    results = [{**RESULT, "_id": f"{number:032x}"} for number in range(3)]
    assert read("".join(grid_probe(each) for each in results)) == results


TEXT = st.text(max_size=40) | st.sampled_from(["EOT", "\x04", "a\nEOT\nb", " x ", "a: b", "", "é"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAF = TEXT | NUMBERS | st.booleans() | st.none()
VALUE = LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(st.text(max_size=5), LEAF, max_size=3)
STATUS = st.sampled_from(["passed", "failed", "error", "skipped", "blocked", "not_run"])
NAMES = st.sampled_from([*RESULT, "reason", "severity", "site", "destination.host", "source.rse"])
KEYS = st.text("abcMN_-:. \n", min_size=1, max_size=6) | st.just("metricStatus")
PROBES = KEYS.map("probe.{}".format)


@st.composite
def results(draw: st.DrawFn) -> dict[str, Any]:
    document = draw(st.dictionaries(NAMES | PROBES | st.text(max_size=8), VALUE, max_size=12))
    times = st.datetimes().map(lambda each: moments.rfc3339(each.replace(tzinfo=UTC)))
    document["@timestamp"] = draw(times)
    document["_id"] = draw(st.text(min_size=1, max_size=40))
    document["document"] = draw(st.sampled_from(["result", "record", "event"]))
    if draw(st.booleans()):
        document["status"] = draw(STATUS)
        document["severity"] = draw(st.sampled_from(["warning", "critical"]))
    return document


@settings(max_examples=400, deadline=None)
@given(results())
def test_every_document_comes_back_the_same(document: dict[str, Any]) -> None:
    (found,) = read(grid_probe(document))
    assert found == document
    # 1, 1.0 and true are equal, and are not the same.
    assert json.dumps(found, sort_keys=True) == json.dumps(document, sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(results(), max_size=4))
def test_every_message_of_several_comes_back_the_same(documents: list[dict[str, Any]]) -> None:
    if documents:
        assert read("".join(grid_probe(each) for each in documents)) == documents


@given(st.lists(st.text(), min_size=1))
def test_digests_are_those_of_results(parts: list[str]) -> None:
    assert moments.identity(*parts) == identity(*parts)
