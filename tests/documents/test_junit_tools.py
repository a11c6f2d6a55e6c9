"""What other tools write, each file from the tool itself, and the documents that it becomes.

Beside TOOL.xml stands TOOL.txt: a line a document. Stack traces are shortened, paths replaced.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lakecheck.documents import junit, junit_ahead, junit_reader, junit_stream
from lakecheck.documents.junit_reader import read_junit

SAMPLES = sorted((Path(__file__).parent / "junit_samples").glob("*.xml"))
IDS = [sample.stem for sample in SAMPLES]
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=IDS)


def line(one: dict[str, Any]) -> str:
    why = str(one.get("reason") or one.get("error.message") or "").partition("\n")[0]
    took = f"{one['duration']:.6g} s" if "duration" in one else "-"
    repeat = f" again, {one['junit.repeat']}" if "junit.repeat" in one else ""
    return (
        f"{one['document']} {one['attempt']}{repeat} | {one['status']} | {took} | "
        f"{one['test']} | {one['case']} | {one['check']} | {why}".rstrip(" |")
    )


def of(tool: str) -> list[dict[str, Any]]:
    return list(read_junit(SAMPLES[IDS.index(tool)]))


def check(tool: str, name: str) -> dict[str, Any]:
    """The last document of a check."""
    return [one for one in of(tool) if one["check"] == name][-1]


@each_sample
def test_each_case_becomes_what_its_tool_meant(sample: Path) -> None:
    wanted = sample.with_suffix(".txt").read_text().splitlines()
    assert [line(one) for one in read_junit(sample)] == wanted


@each_sample
def test_ids_are_those_of_any_copy_and_no_case_is_lost(sample: Path, tmp_path: Path) -> None:
    copy = shutil.copyfile(sample, tmp_path / sample.name)
    os.utime(copy, (0, 10**9))

    found, again = list(read_junit(sample)), list(read_junit(copy))

    assert [one["_id"] for one in again] == [one["_id"] for one in found]
    assert len({one["_id"] for one in found}) == len(found)
    text = sample.read_text().replace("'utf8'", "'utf-8'")
    cases = list(ElementTree.fromstring(text.encode()).iter("testcase"))
    rerun = [part for case in cases for part in case if part.tag.startswith(("rerun", "flaky"))]
    assert len(found) == len(cases) + len(rerun)


@each_sample
@pytest.mark.parametrize("size", [7, 1000])
def test_where_blocks_end_changes_nothing(
    sample: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(read_junit(sample))
    monkeypatch.setattr(junit_stream, "BLOCK", size)
    monkeypatch.setattr(junit_ahead, "_BLOCK", size)
    assert list(read_junit(sample)) == found


@each_sample
def test_a_process_of_its_own_reads_the_same(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(read_junit(sample))
    monkeypatch.setattr(junit_reader, "LARGE", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert list(read_junit(sample)) == found


@each_sample
def test_documents_of_a_tool_become_junit_with_names_of_their_own(
    sample: Path, tmp_path: Path
) -> None:
    found = list(read_junit(sample))
    file = tmp_path / "junit.xml"

    junit.write(file, found)

    cases = ElementTree.parse(file).iter("testcase")
    assert len({case.get("name") for case in cases}) == len(found)
    by_id = {one["_id"]: one for one in read_junit(file)}
    assert by_id == {one["_id"]: one for one in found}


def labels(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name.startswith("labels.")}


def test_robots_metadata_is_found_after_the_cases() -> None:
    assert labels(check("robot", "Failing")) == {
        "labels.Größe": "100 kB",
        "labels.Site": "CNAF",
        "labels.Documentation": "Quota of the störage.",
    }
    assert check("robot", "Failing")["@timestamp"] == "2026-11-21T18:22:50.207Z"
    assert "labels.Documentation" not in check("robot", "Never Ran")


def test_of_a_java_machine_only_what_was_set_for_the_tests_is_taken() -> None:
    assert labels(check("surefire", "passes")) == {"labels.site": "CNAF", "labels.site_tier": "1"}


def test_surefires_attempts_have_their_own_words_and_times() -> None:
    first, second, last = [one for one in of("surefire_times") if one["check"] == "lost"]
    assert [one["junit.output"] for one in (first, second, last)] == ["lost 0", "lost 1", "lost 2"]
    assert ("duration" in first, "duration" in last) == (True, False)
    assert "AssertionFailedError: try 2\n\tat " in last["error.message"]
    early, passed = [one for one in of("surefire_times") if one["check"] == "flaky"]
    assert (early["junit.output"], passed["duration"]) == ("flaky 0", 0.304)
    assert check("surefire", "attached")["junit.attachments"] == ["shots/full.png"]


def test_googletest_tells_place_parameter_properties_and_every_expectation() -> None:
    failed = check("googletest", "Fails")
    assert (failed["junit.file"], failed["junit.line"]) == ("t.cc", 4)
    assert failed["error.message"].count("t.cc:4") == 2
    assert failed["error.message"].endswith("second")
    assert check("googletest", "Copies/1")["junit.parameter"] == '"root"'
    assert labels(check("googletest", "Passes")) == {"labels.rse": "CNAF", "labels.größe": "100"}
    # What did not run has a time in 1970.
    assert check("googletest", "DISABLED_Off")["@timestamp"] == "2026-11-22T03:26:14.542Z"


def test_ctest_says_why_in_the_output_and_has_labels_since_its_version_4() -> None:
    assert check("ctest", "fail")["error.message"] == "quota <1> & full ü"
    assert check("ctest", "skip_code")["junit.output"] == "tape is down"
    assert check("ctest", "needs_setup")["blocked_by"] == "setup"
    assert labels(check("ctest4", "labelled")) == {"labels.cmake_labels": "davs;slow"}


def test_gotestsums_frames_are_left_out() -> None:
    told = check("gotestsum", "TestFail")["error.message"]
    assert (told.splitlines()[0], "===" in told, "---" in told) == (
        'quota_test.go:9: got <1>, want "2" & more ü',
        False,
        False,
    )
    assert labels(check("gotestsum", "TestPass")) == {"labels.go_version": "go1.26.8 linux/amd64"}


def test_times_that_are_none_leave_that_of_the_file(tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(SAMPLES[IDS.index("jest")], tmp_path / "jest.xml"))
    os.utime(copy, (0, 10**9))
    found = {one["test"]: one["@timestamp"] for one in read_junit(copy)}
    assert found["quota"] == "2026-11-21T18:26:46.000Z"
    assert found["broken.test.js"] == "2001-09-09T01:46:40.000Z"


def test_runs_without_a_time_are_told_apart_by_their_content(tmp_path: Path) -> None:
    def ids(duration: str) -> Iterator[str]:
        file = tmp_path / "TEST-x.xml"
        file.write_text(f'<testsuite name="s"><testcase name="a" time="{duration}"/></testsuite>')
        return (one["_id"] for one in read_junit(file))

    assert list(ids("0.1")) == list(ids("0.1")) != list(ids("0.2"))
