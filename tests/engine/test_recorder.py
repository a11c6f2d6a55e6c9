"""The recorder: one document a check, judged and redacted, whoever asks and whatever breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lakecheck.documents import Context, Journal, Redactor, read
from lakecheck.documents.result import Result
from lakecheck.engine.recorder import Recorder
from lakecheck.errors import Full, TimedOut
from lakecheck.model import Case, Status
from tests.engine.test_scheduler import endpoint, single

CASES = [single(endpoint("R"), size) for size in range(1, 101)]
PLANNED = {case.checks[0]: (case, "upload") for case in CASES}


def recorder(folder: Path, **more: Any) -> Recorder:
    context = Context(
        run_id="20261121T090000Z-7f3a90c1",
        trigger="local",
        started=1795255200.0,
        spec_name="s",
        spec_digest="d",
        inventory_digest="i",
        redactor=Redactor(["hunter-two"]),
    )
    return Recorder(PLANNED, Journal(folder / "results.ndjson"), context, {}, **more)


def result(case: Case, status: Status = "passed", **more: Any) -> Result:
    return Result(case, "upload", status, time.time(), **more)


def kept(folder: Path) -> list[Mapping[str, Any]]:
    return list(read(folder))


def test_the_first_result_of_a_check_is_its_document(tmp_path: Path) -> None:
    made = recorder(tmp_path)

    assert made.emit(result(CASES[0], "failed", error=Full("no room"))) == "failed"
    assert made.emit(result(CASES[0])) == "failed"

    assert [each["status"] for each in kept(tmp_path)] == ["failed"]
    assert made.counts == {"failed": 1}


def test_what_was_not_planned_leaves_nothing(tmp_path: Path) -> None:
    made = recorder(tmp_path)

    made.emit(result(single(endpoint("OTHER"))))

    assert kept(tmp_path) == []


def test_many_threads_leave_one_document_each(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    threads = [
        threading.Thread(target=lambda: [made.emit(result(case)) for case in CASES])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    addresses = [f"{each['case']}" for each in kept(tmp_path)]
    assert sorted(addresses) == sorted({case.id for case in CASES})


def test_what_has_no_document_is_left(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    made.resume({CASES[0].checks[0]: "passed"})
    made.emit(result(CASES[1]))

    assert made.leave("the run was killed") == 98

    statuses = {each["case"]: each["status"] for each in kept(tmp_path)}
    assert CASES[0].id not in statuses
    assert statuses[CASES[1].id] == "passed"
    assert sum(status == "not_run" for status in statuses.values()) == 98
    assert made.leave("again") == 0


def test_nothing_is_taken_after_the_end(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    made.emit(result(CASES[0]))
    made.close()

    made.emit(result(CASES[1]))

    assert len(kept(tmp_path)) == 1


def test_a_future_is_given_its_document_now_or_later(tmp_path: Path) -> None:
    made = recorder(tmp_path, keep=True)
    later = made.future(CASES[0].checks[0])
    made.emit(result(CASES[0]))
    made.emit(result(CASES[1]))

    assert later.result(1)["case"] == CASES[0].id
    assert made.future(CASES[1].checks[0]).result(1)["case"] == CASES[1].id


def test_who_gave_up_waiting_costs_nothing(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    made.future(CASES[0].checks[0]).cancel()

    made.emit(result(CASES[0]))

    assert len(kept(tmp_path)) == 1


def test_a_listener_that_breaks_costs_nothing(tmp_path: Path) -> None:
    heard: list[str] = []

    def broken(document: Mapping[str, Any]) -> None:
        raise ZeroDivisionError("oh")

    made = recorder(tmp_path, listeners=[broken, lambda document: heard.append(document["case"])])

    made.emit(result(CASES[0]))

    assert heard == [CASES[0].id]
    assert len(kept(tmp_path)) == 1


def test_a_hook_may_add_and_one_that_breaks_costs_no_document(tmp_path: Path) -> None:
    def edit(result: Result, document: dict[str, Any]) -> None:
        document["ours"] = 1
        if result.case is CASES[1]:
            raise ZeroDivisionError("oh")

    made = recorder(tmp_path, edit=edit)

    made.emit(result(CASES[0]))
    made.emit(result(CASES[1]))

    assert [each["ours"] for each in kept(tmp_path)] == [1, 1]


def test_messages_are_redacted_and_have_commands(tmp_path: Path) -> None:
    made = recorder(tmp_path)

    made.emit(result(CASES[0], "failed", error=TimedOut("at https://u:hunter@h/ hunter-two")))

    (document,) = kept(tmp_path)
    assert document["error.message"] == "at https://***@h/ ***"
    assert document["repeat"][1].startswith("head -c 1 ")


@pytest.mark.parametrize("pending", [0, 3])
def test_flush_writes_what_is_held(
    tmp_path: Path, pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recorder(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(made.journal, "_write", lambda line: False)
        for case in CASES[:pending]:
            made.emit(result(case))

    made.flush()

    assert len(kept(tmp_path)) == pending
    assert made.journal.pending == 0
