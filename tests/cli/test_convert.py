"""`lakecheck convert` as its users call it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lakecheck import cli
from tests.engine.runs import documents, memory_rses, write

TESTS = """\
tests:
  f: {kind: functional, driver: {name: memory, faults: {download: denied}}, expect: [size > 1B]}
  c: {kind: tpc, driver: memory}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    spec = write(tmp_path, memory_rses("ABC") + TESTS)
    assert cli.call(["run", str(spec), "-o", "out", "-q"]) == 1
    return tmp_path / "out"


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_runs_junit_becomes_the_documents_of_its_journal(run: Path) -> None:
    assert cli.call(["convert", "out/junit.xml", "-o", "again.ndjson"]) == 0
    key = "_id"
    wanted = sorted(documents(run), key=lambda one: str(one[key]))
    assert sorted(lines(Path("again.ndjson")), key=lambda one: str(one[key])) == wanted


def test_documents_become_the_junit_that_the_run_wrote(run: Path) -> None:
    assert cli.call(["convert", "out", "-o", "again.xml"]) == 0
    assert Path("again.xml").read_text() == (run / "junit.xml").read_text()


def test_shards_become_one_file(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("other.xml").write_text('<testsuite name="s"><testcase name="a"/></testsuite>')
    assert cli.call(["convert", "out/junit.xml", "other.xml", "-o", "all.xml"]) == 0
    capfd.readouterr()
    assert cli.call(["convert", "all.xml"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == len(documents(run)) + 1


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ("<testsuite><testc", 10, "bad.xml: the file ends too early"),
        ("no document\n", 10, "bad.xml is neither JUnit XML nor documents, which are one JSON obj"),
        ("PK\x03\x04", 10, "bad.xml is neither JUnit XML nor documents"),
        ("3\n", 10, "bad.xml is neither JUnit XML nor documents"),
        ("{\n}\n", 10, "bad.xml:1: this line is no document"),
        ('{"test": "a', 10, "bad.xml:1: the last line is torn, and there is no other"),
        (
            '{"test": "a"}\n',
            10,
            "bad.xml:1: this line is no document: it lacks @timestamp, case, check, status",
        ),
        (None, 4, "there is no bad.xml; name a JUnit file, a journal, or a run's folder"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    code: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("bad.xml").write_text(content)
    for output in ("out.ndjson", "out.xml"):
        assert cli.call(["convert", "bad.xml", "-o", output]) == code
        assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) in (["bad.xml"], [])


def test_what_was_read_of_a_file_that_was_cut_off_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cases = "".join(f'<testcase name="{number}"/>' for number in range(1000))
    Path("cut.xml").write_text(f'<testsuite name="s">{cases}<testca')
    assert cli.call(["convert", "cut.xml"]) == 10
    printed = [json.loads(line)["check"] for line in capfd.readouterr().out.splitlines()]
    assert printed == [str(number) for number in range(999)]  # the last one may have gone on


@pytest.mark.parametrize("output", ["out.ndjson", "out.xml"])
def test_a_last_line_without_its_end_counts_if_it_is_whole(
    run: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    journal = run / "results.ndjson"
    first = journal.read_bytes().split(b"\n")[0]
    journal.write_bytes(first)
    assert cli.call(["convert", "out", "-o", output]) == 0
    assert capsys.readouterr().err == ""
    assert cli.call(["convert", output, "-o", "again.ndjson"]) == 0
    assert lines(Path("again.ndjson")) == [json.loads(first)]

    journal.write_bytes(first + b"\n" + first[:-9])
    assert cli.call(["convert", "out", "-o", output]) == 0
    assert capsys.readouterr().err == "out/results.ndjson:2: the last line is torn, left out\n"
    assert cli.call(["convert", output, "-o", "again.ndjson"]) == 0
    assert lines(Path("again.ndjson")) == [json.loads(first)]


def test_events_have_no_place_in_junit(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {
        "@timestamp": "2026-11-21T09:00:00.000Z",
        "_id": "e",
        "document": "event",
        "version": 1,
    }
    file = Path("received.ndjson")
    check = documents(run)[0]
    file.write_text("".join(f"{json.dumps(each)}\n" for each in (event, check, event)))

    assert cli.call(["convert", "received.ndjson", "-o", "all.xml"]) == 0
    assert capsys.readouterr().err == (
        "2 documents left out: an event has no test case, so it has no place in JUnit\n"
    )
    assert cli.call(["convert", "all.xml", "-o", "cases.ndjson"]) == 0
    assert lines(Path("cases.ndjson")) == [check]

    assert cli.call(["convert", "received.ndjson", "-o", "copy.ndjson"]) == 0
    assert capsys.readouterr().err == ""
    assert lines(Path("copy.ndjson")) == [event, check, event]


TIMELESS = '<testsuite name="s"><testcase classname="c" name="a"/></testsuite>'


@pytest.mark.parametrize(
    ("options", "pipeline", "time"),
    [
        (["--at", "2026-11-20"], "2026-11-19T08:00:00Z", "2026-11-20T00:00:00.000Z"),
        (["--at", "2026-11-20T10:00:00+01:00"], "", "2026-11-20T09:00:00.000Z"),
        ([], "2026-11-19T08:00:00Z", "2026-11-19T08:00:00.000Z"),
        ([], "", "2001-09-09T01:46:40.000Z"),
    ],
)
def test_the_time_of_files_that_tell_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    pipeline: str,
    time: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI_PIPELINE_CREATED_AT", pipeline)
    Path("none.xml").write_text(TIMELESS)
    os.utime("none.xml", (0, 10**9))
    told = TIMELESS.replace("name=", 'timestamp="2026-11-18T08:00:00Z" name=', 1)
    Path("told.xml").write_text(told)

    assert cli.call(["convert", "none.xml", "told.xml", "-o", "all.ndjson", *options]) == 0

    found = [each["@timestamp"] for each in lines(Path("all.ndjson"))]
    assert found == [time, "2026-11-18T08:00:00.000Z"]
    of_file = (
        "none.xml tells no time, so its documents are of the file's, 2001-09-09T01:46:40Z; "
        "--at says another\n"
    )
    assert capsys.readouterr().err == ("" if options or pipeline else of_file)


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-11-21T09:00:00", "2026-13-01", "20261121", "1795305600", "2026-W47-6"]
)
def test_what_is_no_time_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("none.xml").write_text(TIMELESS)
    wanted = f'"{at}" is no time; write it as 2026-11-21T09:00:00Z, or the day as 2026-11-21'
    assert cli.call(["convert", "none.xml", "--at", at]) == 4
    assert wanted in capsys.readouterr().err
    monkeypatch.setenv("CI_PIPELINE_CREATED_AT", at)
    assert cli.call(["convert", "none.xml"]) == 4
    assert capsys.readouterr().err == f"CI_PIPELINE_CREATED_AT: {wanted}; --at says another\n"


@pytest.mark.parametrize("output", ["missing/out.ndjson", "missing/out.xml"])
def test_where_it_cannot_write_is_said(
    run: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    assert cli.call(["convert", "out", "-o", output]) == 4
    assert f"{output} cannot be written: No such file or directory" in capsys.readouterr().err
