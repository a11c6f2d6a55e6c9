"""One run from spec to report, driven as every front end drives it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lakecheck import session, spec
from lakecheck.documents.junit_reader import read_junit
from lakecheck.engine import Limits
from lakecheck.errors import EmptySelection, UsageError
from lakecheck.plan import Selection
from lakecheck.session import RunSession
from lakecheck.views import summary
from tests.engine.runs import by_address, documents, environment, memory_rses, write

TEXT = (
    memory_rses(["A", "B"])
    + "tests:\n  f: {kind: functional, driver: memory}\n"
    + "  c: {kind: tpc, driver: memory, sizes: [1kB]}\n"
)


def prepared(folder: Path, keyword: str = "", **more: Any) -> RunSession:
    loaded = spec.load([write(folder, TEXT)])
    selection = Selection(keyword=keyword)
    return session.prepare(loaded, selection, folder / "reports", folder / "out", **more)


def played(begun: RunSession) -> int:
    begun.write_plan()
    begun.engine.start()
    assert begun.engine.join(60)
    return begun.exit_code(begun.finish(), interrupted=False)


def test_a_whole_run(tmp_path: Path) -> None:
    heard: list[Mapping[str, Any]] = []

    assert played(prepared(tmp_path, listeners=[heard.append])) == 0

    assert len(by_address(tmp_path / "out")) == 12
    assert len(heard) == 12


def test_the_plan_is_on_disk_before_anything_starts(tmp_path: Path) -> None:
    begun = prepared(tmp_path)

    begun.write_plan()

    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert len(plan["checks"]) == plan["checks"].__len__() == 12
    assert plan["cases"] == 4
    assert plan["run"]["id"] == begun.run.id
    assert plan["spec"]["paths"] == [str(tmp_path / "t.lake.yaml")]
    assert documents_or_none(tmp_path / "out") == []
    begun.finish()


def documents_or_none(folder: Path) -> list[dict[str, Any]]:
    return documents(folder) if (folder / "results.ndjson").exists() else []


def test_nothing_selected_is_an_error_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(EmptySelection):
        prepared(tmp_path, "no-such-word")

    assert not (tmp_path / "out").exists()


def test_a_run_that_never_started_leaves_not_run(tmp_path: Path) -> None:
    begun = prepared(tmp_path)
    begun.write_plan()

    assert begun.exit_code(begun.finish(), interrupted=False) == 2

    assert {one["status"] for one in by_address(tmp_path / "out").values()} == {"not_run"}


def test_a_run_stopped_before_it_starts_runs_nothing(tmp_path: Path) -> None:
    begun = prepared(tmp_path)
    begun.write_plan()
    begun.engine.stop()
    begun.engine.start()

    assert begun.engine.join(60)
    begun.finish()

    assert {one["status"] for one in by_address(tmp_path / "out").values()} == {"not_run"}


def test_an_abandoned_run_takes_no_more_documents(tmp_path: Path) -> None:
    begun = prepared(tmp_path)
    begun.write_plan()
    begun.abandon()
    begun.engine.start()
    begun.engine.join(60)
    begun.finish()

    assert Counter(one["status"] for one in by_address(tmp_path / "out").values()) == {
        "not_run": 12
    }


def test_a_resumed_run_does_only_what_is_left(tmp_path: Path) -> None:
    played(prepared(tmp_path))
    journal = tmp_path / "out" / "results.ndjson"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    loaded = spec.load([tmp_path / "t.lake.yaml"])

    assert played(session.resume(loaded, tmp_path / "out", Limits())) == 0

    assert len(by_address(tmp_path / "out")) == 12
    assert journal.read_bytes().startswith(b"".join(lines[:5]))


def test_own_tests_of_a_pytest_run_are_not_run_by_resume(tmp_path: Path) -> None:
    played(prepared(tmp_path))
    file = tmp_path / "out" / "plan.json"
    plan = json.loads(file.read_text())
    plan["checks"].append("test_space::A.davs.call")
    file.write_text(json.dumps(plan))

    begun = session.resume(spec.load([tmp_path / "t.lake.yaml"]), tmp_path / "out")

    assert played(begun) == 2
    own = by_address(tmp_path / "out")["test_space::A.davs.call"]
    assert (own["status"], own["kind"]) == ("not_run", "python")
    assert "run by pytest" in own["reason"]


def test_close_gives_every_check_a_document(tmp_path: Path) -> None:
    begun = prepared(tmp_path)
    begun.write_plan()
    begun.recorder.journal.close()  # as if it had been killed

    closed = session.close(tmp_path / "out")

    assert (closed.left, closed.cut, closed.trouble) == (12, 0, "")
    assert {one["status"] for one in by_address(tmp_path / "out").values()} == {"not_run"}
    assert session.close(tmp_path / "out").left == 0


def test_close_without_specs_still_writes_documents(tmp_path: Path) -> None:
    begun = prepared(tmp_path)
    begun.write_plan()
    begun.recorder.journal.close()
    (tmp_path / "t.lake.yaml").unlink()

    closed = session.close(tmp_path / "out")

    assert closed.left == 12
    assert closed.removal is None
    assert "t.lake.yaml" in closed.trouble
    kinds = {one["test"]: one["kind"] for one in by_address(tmp_path / "out").values()}
    assert kinds == {"f": "functional", "c": "tpc"}


@pytest.mark.parametrize("content", [None, "{", '{"checks": 1', "[]"])
def test_a_folder_without_a_plan_is_no_run(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "plan.json").write_text(content)

    with pytest.raises(UsageError, match=r"plan\.json"):
        session.close(tmp_path)


def test_views_that_cannot_be_written_do_not_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("lakecheck.session.report.write", broken)

    assert played(prepared(tmp_path)) == 0

    assert (tmp_path / "out" / "junit.xml").exists()
    assert not (tmp_path / "out" / "report.html").exists()
    assert "report.html could not be written: oh" in caplog.text
    assert [file for file in (tmp_path / "out").iterdir() if file.name.startswith(".")] == []


LEAVING = """\
import sys, time
from pathlib import Path
from lakecheck import plan, session, spec
begun = session.prepare(spec.load([sys.argv[1]]), plan.Selection(), Path("reports"))
begun.write_plan()
begun.engine.start()
while not begun.engine.payloads.folder.exists():
    time.sleep(0.01)
print(begun.engine.payloads.folder)
raise KeyboardInterrupt
"""


def test_junit_of_a_large_run_is_in_parts_that_gitlab_takes(tmp_path: Path) -> None:
    begun = prepared(tmp_path)
    assert played(begun) == 0
    journal = tmp_path / "out" / "results.ndjson"
    of_run = documents(tmp_path / "out")
    large = [document | {"reason": "x" * 2_700_000} for document in of_run]
    journal.write_text("".join(f"{json.dumps(document)}\n" for document in large))

    session.write_views(tmp_path / "out")

    parts = sorted((tmp_path / "out").glob("junit*.xml"))
    assert [part.name for part in parts] == ["junit-2.xml", "junit.xml"]
    assert max(part.stat().st_size for part in parts) < 30_000_000
    assert sum(len(list(read_junit(part))) for part in parts) == 12
    told = [line.plain for line in summary.lines(of_run, folder=tmp_path / "out")]
    first = tmp_path / "out" / "junit.xml"
    assert f"{first} to junit-2.xml, as GitLab takes no file above 30 MB" in told

    journal.write_text("".join(f"{json.dumps(document)}\n" for document in of_run))
    session.write_views(tmp_path / "out")
    assert list((tmp_path / "out").glob("*junit*")) == [first]


def test_who_does_not_wait_for_the_end_leaves_no_local_files(tmp_path: Path) -> None:
    driver = "{name: memory, faults: {upload: hang}}"
    text = memory_rses("A") + f"tests:\n  f: {{kind: functional, driver: {driver}}}\n"
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    done = subprocess.run(
        [sys.executable, "-c", LEAVING, write(tmp_path, text)],
        cwd=tmp_path,
        env=environment(TMPDIR=str(temporary)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "KeyboardInterrupt" in done.stderr
    assert Path(done.stdout.strip()).parent == temporary
    assert list(temporary.iterdir()) == []


def test_documents_of_close_name_the_spec_as_the_run_did(tmp_path: Path) -> None:
    (tmp_path / "a.lake.yaml").write_text(TEXT)
    whole = write(tmp_path, "lakecheck: 1\ninclude: [a.lake.yaml]\n")
    played(session.prepare(spec.load([whole]), Selection(), tmp_path / "all", tmp_path / "out"))
    journal = tmp_path / "out" / "results.ndjson"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:5]))

    session.close(tmp_path / "out")

    assert Counter(one["spec.name"] for one in documents(tmp_path / "out")) == {"t": 12}
