from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck import cli
from tests.views import runs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_renders_the_latest_run_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = runs.troubled().write(here / "reports" / runs.RUN)
    (here / "reports" / "latest").symlink_to(runs.RUN)

    assert cli.call(["report"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-2].startswith("365 passed, 25 failed")
    assert told[-1] == "reports/latest/report.html"
    assert "2 of 14 RSEs have trouble" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_run_is_named_by_its_id_or_its_folder(here: Path) -> None:
    folder = runs.green(2).write(here / "reports" / runs.RUN)
    for name in (runs.RUN, str(folder)):
        assert cli.call(["report", name]) == 0
        (folder / "report.html").unlink()


def test_from_needs_no_more_than_documents(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = runs.green(2).write(here / "elsewhere")
    (folder / "plan.json").unlink()

    assert cli.call(["report", "--from", "elsewhere"]) == 0
    assert capsys.readouterr().out.splitlines() == ["24 passed", "elsewhere/report.html"]


def test_several_folders_make_one_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = runs.green(2)
    for name, part in (("a", whole.documents[:10]), ("b", whole.documents[10:])):
        shard = runs.Run()
        shard.documents = part
        shard.planned = [f"{d['test']}::{d['case']}.{d['check']}" for d in part]
        shard.write(here / name)

    assert cli.call(["report", "--from", "a", "--from", "b"]) == 4
    assert "say where to write it: -o FILE" in capsys.readouterr().err
    assert cli.call(["report", "--from", "a", "--from", "b", "-o", "new/all.html"]) == 0
    assert "All 24 checks passed" in (here / "new" / "all.html").read_text(encoding="utf-8")


def test_a_torn_last_line_and_a_broken_plan_do_no_harm(here: Path) -> None:
    folder = runs.green(2).write(here / "torn")
    with (folder / "results.ndjson").open("a") as journal:
        journal.write('{"document": "result", "te')
    (folder / "plan.json").write_text("{")

    assert cli.call(["report", "torn"]) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"not json\n", "bad/results.ndjson:1: this line is no document"),
        (b"3\n", "bad/results.ndjson is no journal: a line in it is no JSON object"),
        (b"{}\n\xff\xfe\x00\n", "bad/results.ndjson:2: this line is no document"),
    ],
)
def test_what_is_no_journal_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    (here / "bad").mkdir()
    (here / "bad" / "results.ndjson").write_bytes(content)

    assert cli.call(["report", "bad"]) == 10
    assert told in capsys.readouterr().err


def test_a_run_that_is_not_there_is_said_with_those_that_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.green(2).write(here / "reports" / runs.RUN)

    assert cli.call(["report", "yesterday"]) == 4
    error = capsys.readouterr().err
    assert 'there is no run "yesterday"' in error
    assert f"Runs there: {runs.RUN}." in error
    assert cli.call(["report", "--from", "nowhere"]) == 4
    assert "nowhere has no results.ndjson" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.green(2).write(here / "run")
    (here / "file").touch()

    assert cli.call(["report", "run", "-o", "file/report.html"]) == 4
    assert "file/report.html cannot be written" in capsys.readouterr().err
