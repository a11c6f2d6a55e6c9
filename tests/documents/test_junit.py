"""junit.xml as other programs read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import junitparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakecheck.documents import junit, junit_parts
from lakecheck.documents.junit_value import decoded

FIELDS: dict[str, Any] = {
    "run.started": "2026-11-21T09:00:00.000Z",
    "test": "gfal",
    "case": "DESY-DCACHE.davs.100B",
    "check": "upload",
    "status": "passed",
    "duration": 0.25,
}
KINDS = ("result", "attempt")


def written(folder: Path, *changes: dict[str, Any]) -> junitparser.JUnitXml:
    file = folder / "junit.xml"
    junit.write(file, [FIELDS | change for change in changes])
    return junitparser.JUnitXml.fromfile(str(file))


def cases(root: junitparser.JUnitXml) -> list[junitparser.TestCase]:
    return [case for suite in root for case in suite]


def properties(case: junitparser.TestCase) -> dict[str, str]:
    return {one.name: one.value for one in case.child(junitparser.Properties)}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("failed", junitparser.Failure),
        ("error", junitparser.Error),
        ("not_run", junitparser.Error),
        ("blocked", junitparser.Skipped),
        ("skipped", junitparser.Skipped),
    ],
)
def test_each_status_has_its_outcome(
    tmp_path: Path, status: str, outcome: type[junitparser.Element]
) -> None:
    (case,) = cases(written(tmp_path, {"status": status, "reason": "because"}))

    assert [(type(one), one.message) for one in case.result] == [(outcome, "because")]


def test_a_case_is_its_check_with_every_field(tmp_path: Path) -> None:
    more = {"bytes": 100, "expected": [{"condition": "duration < 1s", "met": True}]}

    (case,) = cases(written(tmp_path, more))

    assert case.name == "gfal::DESY-DCACHE.davs.100B.upload"
    assert (case.classname, case.time, case.result) == ("gfal", 0.25, [])
    shown = properties(case)
    assert shown["check"] == "upload"
    assert {name: json.loads(shown[name]) for name in more} == more


def test_suites_are_tests_and_are_counted(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {},
        {"check": "stat", "status": "failed"},
        {"test": "tpc", "status": "blocked", "duration": None},
        {"check": "delete", "status": "error"},
    )

    assert [(one.name, one.tests, one.failures, one.errors, one.skipped) for one in root] == [
        ("gfal", 3, 1, 1, 0),
        ("tpc", 1, 0, 0, 1),
    ]
    assert (root.tests, root.failures, root.errors, root.skipped) == (4, 1, 1, 1)
    assert root.time == pytest.approx(0.75)


def test_the_raw_error_is_the_text_of_the_failure(tmp_path: Path) -> None:
    told = 'HTTP 507 <full> & "closed"\nsecond line'

    (case,) = cases(written(tmp_path, {"status": "failed", "error.message": told}))

    assert case.result[0].text == told
    assert case.result[0].message == told


@settings(deadline=None)
@given(st.text(), st.text(min_size=1))
def test_any_text_makes_a_file_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    change = {"reason": text, "status": "failed", f"labels.{name}": text}
    (case,) = cases(written(tmp_path_factory.getbasetemp(), change))

    assert decoded(properties(case)["reason"]) == text


def test_many_cases_come_out_in_the_order_of_their_tests(tmp_path: Path) -> None:
    wanted = [f"R{number}" for number in range(3000)]

    root = written(tmp_path, *({"case": name, "test": f"t{len(name)}"} for name in wanted))

    assert [case.name.split("::")[1].split(".")[0] for case in cases(root)] == wanted


def names(root: junitparser.JUnitXml) -> list[str]:
    return [case.name.removeprefix("gfal::DESY-DCACHE.davs.100B.") for case in cases(root)]


def test_attempts_have_names_of_their_own(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {"document": "attempt", "attempt": 1, "status": "failed"},
        {"document": "attempt", "attempt": 2, "status": "failed"},
        {"document": "result", "attempt": 3, "status": "failed", "error.message": "full"},
    )

    assert names(root) == ["upload (attempt 1)", "upload (attempt 2)", "upload"]
    assert [bool(case.result) for case in cases(root)] == [False, False, True]


def test_names_that_occur_again_are_numbered(tmp_path: Path) -> None:
    again = [{}, {}, {"check": "upload (2)"}, {}, {"check": "up\x01load"}, {"test": "tpc"}]

    assert names(written(tmp_path, *again)) == [
        "upload",
        "upload (2)",
        "upload (2) (2)",
        "upload (3)",
        "upload (4)",
        "tpc::DESY-DCACHE.davs.100B.upload",
    ]


def test_names_are_numbered_across_the_parts_of_a_file(tmp_path: Path) -> None:
    parts = junit.write(tmp_path / "junit.xml", [FIELDS] * 3, most=10)

    found = [names(junitparser.JUnitXml.fromfile(str(part))) for part in parts]
    assert found == [["upload"], ["upload (2)"], ["upload (3)"]]


def test_no_part_is_larger_than_asked(tmp_path: Path) -> None:
    long = [FIELDS | {"check": f"{number}", "reason": "нет места" * 100} for number in range(20)]

    parts = junit.write(tmp_path / "junit.xml", long, most=10_000)

    assert len(parts) > 3
    assert max(part.stat().st_size for part in parts) < 10_000 + 300  # of the root


def test_a_shorter_writing_leaves_no_older_parts(tmp_path: Path) -> None:
    assert len(junit.write(tmp_path / "junit.xml", [FIELDS] * 4, most=10)) == 4
    foreign = tmp_path / "junit-5.xml"  # of somebody else
    foreign.write_text("<testsuite/>")

    assert len(junit.write(tmp_path / "junit.xml", [FIELDS] * 2, most=10)) == 2

    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["junit-2.xml", "junit-5.xml", "junit.xml"]
    assert junit_parts.further(tmp_path / "junit.xml") == [tmp_path / "junit-2.xml"]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    junit.write(tmp_path / "junit.xml", [FIELDS] * 2, most=10)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(KeyError):
        junit.write(tmp_path / "junit.xml", [FIELDS, FIELDS, {"status": "passed"}], most=10)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "a (2)", "a (3)", "a (2) (2)", "a (attempt 1)"])))
def test_no_name_occurs_twice(tmp_path_factory: pytest.TempPathFactory, checks: list[str]) -> None:
    changes = [{"check": check, "document": kind} for check in checks for kind in KINDS]
    found = names(written(tmp_path_factory.getbasetemp(), *changes))
    assert len(set(found)) == len(found) == len(changes)
