"""`lakecheck run`, `close`, `plan` and `repro` as their users call them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lakecheck import cli
from tests.engine.runs import by_address, documents, memory_rses, planned, write

ON = "{name: memory, on: {DENIED: {faults: {upload: denied}}, CRASHED: {faults: {upload: crash}}}}"
TESTS = f"tests:\n  f: {{kind: functional, timeout: 5s, driver: {ON}}}\n"
CODES = [
    (["GOOD"], 0),
    (["GOOD", "DENIED"], 1),
    (["GOOD", "CRASHED"], 10),
    (["GOOD", "DENIED", "CRASHED"], 1),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "LAKECHECK_RUN", "CI_JOB_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def good(folder: Path, names: list[str] | None = None) -> Path:
    return write(folder, memory_rses(names or ["GOOD"]) + TESTS)


@pytest.mark.parametrize(("names", "code"), CODES)
def test_exit_codes(here: Path, names: list[str], code: int) -> None:
    assert cli.call(["run", str(good(here, names)), "-q"]) == code


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["plan"], 0),
        (["plan", "--list"], 0),
        (["plan", "--json"], 0),
        (["inventory", "show"], 0),
        (["run", "-o", "out"], 1),
    ],
)
def test_a_reader_that_leaves_changes_nothing(here: Path, command: list[str], code: int) -> None:
    spec = good(here, ["DENIED", *(f"R-{number}" for number in range(50))])
    reading, writing = os.pipe()
    os.close(reading)
    lakecheck = Path(sys.executable).with_name("lakecheck")

    done = subprocess.run(
        [lakecheck, *command, str(spec)], stdout=writing, stderr=subprocess.PIPE, timeout=60
    )

    os.close(writing)
    assert (done.returncode, done.stderr) == (code, b"")
    if command[0] == "run":
        assert len(documents(here / "out")) == 51 * 5


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run"], 4, "there is no folder specs here; name"),
        (["run", "missing.lake.yaml"], 4, "missing.lake.yaml"),
        (["run", "empty"], 4, "empty"),
        (["run", "bad.lake.yaml"], 4, "bad.lake.yaml:1:1"),
        (["run", "t.lake.yaml", "--rse", "GOD"], 4, 'there is no RSE "GOD"; did you mean "GOOD"?'),
        (["run", "t.lake.yaml", "-t", "g"], 4, '-t: there is no test "g"; there are f'),
        (["run", "t.lake.yaml", "-m", "tcp"], 4, 'there is no kind "tcp"; did you mean "tpc"?'),
        (["run", "t.lake.yaml", "--protocol", "davz"], 4, 'did you mean "davs"?'),
        (["plan", "t.lake.yaml", "--rse", "GOD"], 4, 'did you mean "GOOD"?'),
        (["run", "t.lake.yaml", "--protocol", "root"], 5, "no check is selected"),
        (["run", "t.lake.yaml", "-m", "tpc"], 5, "no check is selected"),
        (["run", "t.lake.yaml", "-k", "and"], 4, "is not an expression"),
        (["run", "t.lake.yaml", "--jobs", "0"], 4, "0 is not in the range"),
        (["run", "t.lake.yaml", "--jobs", "many"], 4, "is not a valid integer"),
        (["run", "t.lake.yaml", "--unknown"], 4, "No such option"),
        (["run", "--resume", "20260101T000000Z-00000000"], 4, "there is no run"),
        (["run", "t.lake.yaml", "-o", "t.lake.yaml/x"], 4, "cannot make the run's folder"),
        (["close"], 4, 'there is no run "latest"'),
        (["close", "empty"], 4, "there is no run"),
        (["nonsense"], 4, "No such command 'nonsense'."),
        (["validat"], 4, "No such command 'validat'. Did you mean 'validate'?"),
        (["run", "t.lake.yaml", "--resum"], 4, "'--resume'"),
        ([], 4, "Usage"),
        (["plan", "t.lake.yaml", "-k", "nothing-like-it"], 5, "no check is selected"),
        (["repro", "f::GOOD.davs.100B.uplod", "t.lake.yaml"], 4, "did you mean"),
        (["--version"], 0, ""),
        (["run", "--help"], 0, ""),
    ],
)
def test_wrong_use_is_a_sentence_and_a_code(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    good(here)
    (here / "empty").mkdir()
    (here / "bad.lake.yaml").write_text("lakechek: 1\n")

    assert cli.call(arguments) == code

    captured = capsys.readouterr()
    assert told in captured.err + captured.out
    assert "Traceback" not in captured.err
    assert not (here / "reports").exists()


def test_a_mistake_of_our_own_is_code_3_and_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("oh, eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyIn0.c2ln")

    monkeypatch.setattr("lakecheck.session.plan.expand", broken)

    assert cli.call(["run", str(good(here))]) == 3

    told = capsys.readouterr().err
    assert told.startswith("lakecheck itself failed: ZeroDivisionError: oh, ***\n")
    assert "LAKECHECK_TRACE=1" in told


def test_an_engine_that_breaks_leaves_its_documents(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("lakecheck.engine.scheduler.Scheduler.next", broken)

    assert cli.call(["run", str(good(here)), "-o", "out"]) == 3

    assert {one["status"] for one in by_address(here / "out").values()} == {"not_run"}
    assert (here / "out" / "report.html").exists()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_runs_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call(["run", str(good(here))]) == 0

    (run,) = [each for each in (here / "reports").iterdir() if not each.is_symlink()]
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", run.name)
    assert os.readlink(here / "reports" / "latest") == run.name
    assert {each.name for each in run.iterdir()} == {
        "plan.json",
        "results.ndjson",
        "created.ndjson",
        "junit.xml",
        "report.html",
        "run.log",
    }
    assert {one["run.id"] for one in documents(run)} == {run.name}
    out = capsys.readouterr().out
    assert "5 passed" in out
    assert "reports/latest/report.html" in out


def test_o_names_the_folder_itself_and_nothing_else_is_written(here: Path) -> None:
    assert cli.call(["run", str(good(here)), "-q", "-o", "deep/out"]) == 0

    assert len(by_address(here / "deep" / "out")) == 5
    assert not (here / "reports").exists()


def test_another_runs_folder_is_not_written_over(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.call(["run", str(good(here)), "-q", "-o", "out"])

    assert cli.call(["run", str(good(here)), "-q", "-o", "out"]) == 4
    assert "holds another run's documents" in capsys.readouterr().err


def test_a_run_in_ci_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("CI_JOB_URL", "https://ci:s3cret-word@ci.example.org/jobs/7")
    monkeypatch.setenv("LAKECHECK_RUN", "20261121T090000Z-7f3a90c1")

    cli.call(["run", str(good(here)), "-q", "-o", "out"])

    first = documents(here / "out")[0]
    assert first["run.id"] == "20261121T090000Z-7f3a90c1"
    assert first["run.trigger"] == "ci"
    assert first["run.url"] == "https://***@ci.example.org/jobs/7"


def test_a_run_has_a_name_of_the_right_form(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKECHECK_RUN", "../elsewhere")

    assert cli.call(["run", str(good(here))]) == 4
    assert "a run is named like" in capsys.readouterr().err


def test_resume_refuses_a_changed_spec_and_a_selection(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = good(here)
    cli.call(["run", str(file), "-q"])

    assert cli.call(["run", "--resume", "-k", "upload"]) == 4
    assert "takes no selection" in capsys.readouterr().err
    file.write_text(file.read_text().replace("5s", "6s"))
    assert cli.call(["run", "--resume"]) == 4
    assert "the spec has changed since" in capsys.readouterr().err


def test_what_failed_is_told_as_it_comes_and_in_the_end(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.call(["run", str(good(here, ["GOOD", "DENIED"]))])

    out = capsys.readouterr().out
    assert "FAILED f::DENIED.davs.100B.upload: upload to DENIED over davs failed" in out
    assert "5 passed, 1 failed, 4 blocked" in out


def test_the_log_tells_what_did_not_pass(here: Path) -> None:
    cli.call(["run", str(good(here, ["GOOD", "DENIED"])), "-q", "-o", "out"])

    lines = (here / "out" / "run.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (INFO|WARNING) ", line) for line in lines)
    assert "of t: 10 checks" in lines[0]
    assert len([line for line in lines if "f::DENIED.davs.100B." in line]) == 5
    assert not [line for line in lines if "f::GOOD" in line]
    assert "end: " in lines[-1]


def test_plan_lists_what_run_will_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(good(here, ["GOOD", "DENIED"]))
    cli.call(["run", file, "-q", "-o", "out"])
    capsys.readouterr()

    assert cli.call(["plan", file, "--list"]) == 0

    assert capsys.readouterr().out.split() == planned(here / "out")


def test_plan_as_json_and_as_a_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(good(here, ["GOOD", "DENIED"]))

    assert cli.call(["plan", file, "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert {"cases", "checks", "bytes", "duration", "tests", "rses", "skipped", "over_budget"} == (
        set(told)
    )
    assert (told["cases"], told["checks"], told["bytes"]) == (2, 10, 200)
    assert told["rses"]["GOOD"] == {"ingress": 100, "egress": 100, "transfers": 2}
    assert told["tests"][0]["kind"] == "functional"
    assert cli.call(["plan", file]) == 0
    assert "2 cases, 10 checks, 200B a run" in capsys.readouterr().out


def test_plan_tells_which_checks_will_be_skipped(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = memory_rses(["A"]) + memory_rses(["B"], ", checksum: none").partition("rses:\n")[2]
    file = str(write(here, text + TESTS))

    assert cli.call(["plan", file, "--json"]) == 0
    skipped = json.loads(capsys.readouterr().out)["skipped"]
    assert cli.call(["plan", file, "--json", "-k", "stat"]) == 0
    narrowed = json.loads(capsys.readouterr().out)
    assert cli.call(["plan", file]) == 0

    why = "the spec says that this storage has no checksums"
    assert skipped == [{"what": "f::B.davs.100B.checksum", "why": why}]
    assert f"skipped  f::B.davs.100B.checksum: {why}" in capsys.readouterr().out
    assert (narrowed["checks"], narrowed["skipped"]) == (2, [])


def test_repro_gives_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = memory_rses(["A"]) + "tests:\n  f: {kind: functional}\n"
    write(here, text)

    assert cli.call(["repro", "f::A.davs.100B.download", "t.lake.yaml"]) == 0

    commands = capsys.readouterr().out
    assert "head -c 100 /dev/urandom > /tmp/lakecheck-100B" in commands
    assert commands.count("gfal-copy") == 2
    assert "gfal-rm" in commands
    assert "davs://a.example.org:443/lake/lakecheck/by-hand-" in commands


def test_every_command_has_a_sentence_in_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call(["--help"]) == 0

    out = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert re.search(rf"^  {name} +\S+", out, re.M), name


@pytest.mark.parametrize("command", [["plan", "--list"], ["plan"], ["run", "-o", "out"]])
def test_a_full_disk_under_its_output_is_not_called_our_fault(
    here: Path, command: list[str]
) -> None:
    lakecheck = Path(sys.executable).with_name("lakecheck")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [lakecheck, *command, str(good(here))],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (
        10,
        "lakecheck: the output cannot be written: No space left on device\n",
    )
