"""`lakecheck convert` as its users call it."""

from __future__ import annotations

import json
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
        ("no document\n", 10, "bad.xml:1: this line is no document"),
        ("3\n", 10, "bad.xml:1: this line is no document: it lacks @timestamp, case, check"),
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


@pytest.mark.parametrize("output", ["missing/out.ndjson", "missing/out.xml"])
def test_where_it_cannot_write_is_said(
    run: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    assert cli.call(["convert", "out", "-o", output]) == 4
    assert f"{output} cannot be written: No such file or directory" in capsys.readouterr().err
