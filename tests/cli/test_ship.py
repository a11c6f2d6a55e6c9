"""`lakecheck ship` and `tail`, and what a run says of its sinks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakecheck import cli
from lakecheck.documents import Journal, junit
from tests.engine.runs import documents, memory_rses, start, write

TESTS = "tests:\n  f: {kind: functional, timeout: 5s, driver: memory}\n"
PASSING = '<testsuite name="s"><testcase classname="c" name="a" time="0.5"/></testsuite>'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "LAKECHECK_RUN", "CI_JOB_URL", "CI_PIPELINE_CREATED_AT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def publishing(folder: Path, *sinks: str) -> Path:
    lines = "".join(f"  - {sink}\n" for sink in sinks)
    return write(folder, memory_rses(["GOOD"]) + TESTS + f"publish:\n{lines}")


def test_a_run_ships_at_its_end(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q"]) == 0
    assert (here / "all.ndjson").read_bytes() == (
        here / "reports/latest/results.ndjson"
    ).read_bytes()
    assert f"file: 5 documents to {here}/all.ndjson\n" in capsys.readouterr().out

    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    assert len((here / "all.ndjson").read_text().splitlines()) == 5

    # Now both runs: what is there already does not go there again.
    assert cli.call(["ship"]) == 0
    assert len((here / "all.ndjson").read_text().splitlines()) == 10


def test_pytest_ships_too(here: Path) -> None:
    write(here, publishing(here, "file: {path: all.ndjson}", "failing: {how: refuse}").read_text())
    done = subprocess.run(
        [Path(sys.executable).with_name("pytest"), "-q", "-p", "no:cacheprovider", "."],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(documents(here / "reports" / "latest")) == 5
    assert f"file: 5 documents to {here}/all.ndjson" in done.stdout
    assert (
        "failing: 5 documents not shipped: the password is wrong; correct it, "
        "then `lakecheck ship` sends them later" in done.stdout
    )


def test_a_sink_that_is_down_fails_no_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = publishing(here, "failing: {how: refuse}", 'file: {path: "${LAKECHECK_NOWHERE}/x"}')
    assert cli.call(["run", str(spec), "-q"]) == 0
    said = capsys.readouterr().err
    assert "failing: 5 documents not shipped: the password is wrong; correct it, then `l" in said
    assert "file: 5 documents not shipped: LAKECHECK_NOWHERE is not set in the environment" in said

    assert cli.call(["ship", "--within", "1s"]) == 10
    assert cli.call(["ship", "--status"]) == 10
    told = capsys.readouterr().out
    assert "the password is wrong" in told
    assert cli.call(["ship", "--status", "--json"]) == 10
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["sink"], line["pending"]) for line in lines] == [("failing", 5), ("file", 5)]
    assert lines[0]["trouble"] == "the password is wrong"


def test_refused_documents_are_exit_code_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = publishing(here, "failing: {how: reject}")
    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    assert cli.call(["ship"]) == 1
    assert "failing: 5 documents refused for good, kept in " in capsys.readouterr().err
    assert cli.call(["ship"]) == 0


def test_junit_alone_gives_the_same_documents(here: Path) -> None:
    """CI's artefact is enough: the journal is gone."""
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q", "-o", "out", "--no-ship"]) == 0
    expected = (here / "out" / "results.ndjson").read_bytes()
    (here / "out" / "results.ndjson").unlink()

    assert cli.call(["ship", "out/junit.xml", "--spec", str(spec)]) == 0
    assert cli.call(["ship", "out/junit.xml", "--spec", str(spec)]) == 0
    assert (here / "all.ndjson").read_bytes() == expected


def test_the_parts_of_a_large_junit_give_all_documents(here: Path) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q", "-o", "out", "--no-ship"]) == 0
    parts = junit.write(here / "junit.xml", documents(here / "out"), most=3000)
    assert len(parts) > 1

    assert cli.call(["ship", *map(str, parts), "--spec", str(spec)]) == 0

    assert (here / "all.ndjson").read_bytes() == (here / "out/results.ndjson").read_bytes()
    assert cli.call(["convert", *map(str, parts), "-o", "again.ndjson"]) == 0
    assert (here / "again.ndjson").read_bytes() == (here / "all.ndjson").read_bytes()


def test_other_tools_junit_is_shipped_once(here: Path) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    (here / "other.xml").write_text(PASSING)
    assert cli.call(["ship", "other.xml", "--spec", str(spec)]) == 0
    assert cli.call(["ship", "other.xml", "--spec", str(spec)]) == 0
    (document,) = map(json.loads, (here / "all.ndjson").read_text().splitlines())
    assert (document["status"], document["duration"]) == ("passed", 0.5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ship"], "nothing is published: there is no run in reports"),
        (["ship", "nosuch"], 'there is no run "nosuch" in reports'),
        (
            ["ship", "non.xml"],
            "non.xml is neither JUnit XML nor a run; a run is named by its folder",
        ),
        (["ship", "--within", "5"], '"5" is not a duration'),
        (["ship", "ok.xml", "--spec", "t.lake.yaml", "--sink", "fil"], "--sink: the specs publish"),
        (["ship", "ok.xml", "--spec", "none.lake.yaml"], "the specs have no section publish"),
        (["tail", "--no-follow", "-w", "status = 1"], '--where "status = 1" is not a condition: '),
    ],
)
def test_wrong_use_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    publishing(here, "file: {path: all.ndjson}")
    write(here, memory_rses(["GOOD"]) + TESTS, "none")
    (here / "ok.xml").write_text(PASSING)
    (here / "non.xml").write_text("PK")
    assert cli.call(arguments) == 4
    assert told in capsys.readouterr().err


def test_the_time_that_is_given_makes_another_shipment(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    shipping = ["ship", "other.xml", "--spec", str(spec)]
    (here / "other.xml").write_text(PASSING)
    os.utime(here / "other.xml", (0, 10**9))
    assert cli.call(shipping) == 0
    assert "other.xml tells no time, so its documents are of the file's" in capsys.readouterr().err

    monkeypatch.setenv("CI_PIPELINE_CREATED_AT", "2026-11-21T09:00:00Z")
    for written in (10**9, 1.1 * 10**9):  # as when a job is repeated
        os.utime(here / "other.xml", (0, written))
        assert cli.call(shipping) == 0
        assert cli.call([*shipping, "--at", "2026-11-22"]) == 0
    assert capsys.readouterr().err == ""

    found = list(map(json.loads, (here / "all.ndjson").read_text().splitlines()))
    assert [each["@timestamp"][:10] for each in found] == ["2001-09-09", "2026-11-21", "2026-11-22"]


def test_a_torn_last_line_is_told_unless_it_may_be_being_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    journal = (here / "reports/latest").resolve() / "results.ndjson"
    with journal.open("a") as file:
        file.write('{"torn')
    writer = Journal(journal)
    writer.claim()
    capsys.readouterr()
    assert cli.call(["ship", "latest"]) == 0
    assert capsys.readouterr().err == ""

    writer.close()
    assert cli.call(["ship", "latest"]) == 0
    assert capsys.readouterr().err == f"{journal}: the last line is torn, left out\n"
    assert len((here / "all.ndjson").read_text().splitlines()) == 5


def test_a_cut_file_is_told_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    (here / "cut.xml").write_text("<testsuite><testcase")
    assert cli.call(["ship", "cut.xml", "--spec", str(spec)]) == 10
    assert "cut.xml: the file ends too early" in capsys.readouterr().err
    assert not list((here / "reports").iterdir())


def test_runs_whose_specs_are_gone_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    moved = spec.rename(here / "moved.lake.yaml")
    assert cli.call(["ship"]) == 10
    assert "is not shipped, as its specs cannot be read: there is no" in capsys.readouterr().err
    assert cli.call(["ship", "--spec", str(moved)]) == 0
    assert len((here / "all.ndjson").read_text().splitlines()) == 5


def test_a_kill_in_shipping_loses_nothing(here: Path) -> None:
    spec = publishing(here, "failing: {how: down}", "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    shipping = start("ship", "--for-ever", cwd=here)
    deadline = time.monotonic() + 30
    while not (here / "all.ndjson").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    shipping.send_signal(signal.SIGKILL)
    shipping.wait(10)
    assert cli.call(["ship", "--sink", "file"]) == 0
    assert {json.loads(line)["_id"] for line in (here / "all.ndjson").read_text().splitlines()} == {
        each["_id"] for each in documents(here / "reports" / "latest")
    }


def test_tail_shows_what_was_and_what_comes(here: Path) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q"]) == 0
    following = start("tail", "-n", "1", "--json", "-w", "check == upload", cwd=here)
    assert following.stdout is not None
    first = json.loads(following.stdout.readline())
    assert cli.call(["run", str(spec), "-q"]) == 0
    second = json.loads(following.stdout.readline())
    following.send_signal(signal.SIGINT)
    assert following.wait(10) == 0
    assert [first["check"], second["check"]] == ["upload", "upload"]
    assert first["run.id"] != second["run.id"]


def test_tail_tells_where_and_why_of_events(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = here / "reports" / "received-2026-11-21" / "results.ndjson"
    journal.parent.mkdir(parents=True)
    failed = {
        "@timestamp": "2026-11-21T21:00:30.000Z",
        "_id": "1",
        "document": "event",
        "event.type": "transfer-failed",
        "status": "failed",
        "source.rse": "A",
        "destination.rse": "B",
        "error.message": "Connection refused",
    }
    journal.write_text(json.dumps(failed) + "\n")
    assert cli.call(["tail", "--no-follow"]) == 0
    assert capsys.readouterr().out == (
        "21:00:30 failed   transfer-failed A → B Connection refused\n"
    )


def test_tail_says_why_nothing_comes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call(["tail", "--no-follow"]) == 0
    assert capsys.readouterr().err == "there is no document in reports yet\n"
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q"]) == 0
    capsys.readouterr()
    assert cli.call(["tail", "--no-follow", "-w", "statsu == passed"]) == 0
    assert capsys.readouterr().err == ('no document so far has "statsu"; did you mean "status"?\n')
    assert cli.call(["tail", "--no-follow", "-w", "error.class == timeout"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_says_what_is_pending(here: Path, number: int) -> None:
    spec = publishing(here, "failing: {how: down}")
    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    shipping = start("ship", "--for-ever", cwd=here)
    assert shipping.stderr is not None
    first = shipping.stderr.readline()
    shipping.send_signal(number)
    said = first + shipping.stderr.read()
    assert shipping.wait(10) == 2
    assert "stopping: waiting for answers to what was sent; once more to leave at once" in said
    assert "failing: 5 documents not shipped: " in said


def test_a_missing_junit_file_is_a_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["ship", "lost.xml", "--spec", str(spec)]) == 4
    assert capsys.readouterr().err == "lost.xml: there is no such file\n"


def test_a_mistake_in_tests_or_a_missing_lock_keeps_no_document_back(here: Path) -> None:
    spec = publishing(here, "file: {path: all.ndjson}")
    assert cli.call(["run", str(spec), "-q", "--no-ship"]) == 0
    broken = spec.read_text().replace("kind: functional", "kind: fnctional")
    cric = "inventory: {cric: {url: nowhere.json}}\n"
    (here / "more.lake.yaml").write_text(cric)
    spec.write_text(broken + "include: more.lake.yaml\n")
    assert cli.call(["validate", str(spec)]) == 4
    assert cli.call(["ship"]) == 0
    assert len((here / "all.ndjson").read_text().splitlines()) == 5
