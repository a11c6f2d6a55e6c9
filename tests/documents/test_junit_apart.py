"""The process that parses large JUnit files: what it finds, and how it ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import psutil
import pytest

from lakecheck.documents import junit_apart, junit_reader
from lakecheck.documents.junit_reader import read_junit
from lakecheck.errors import JournalError


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit_reader, "LARGE", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def large(folder: Path, cases: int, end: str = "</testsuite>") -> Path:
    file = folder / "x.xml"
    body = "".join(f'<testcase name="t{number}"/>\n' for number in range(cases))
    file.write_text(f'<testsuite name="s">{body}{end}')
    return file


def readers() -> list[psutil.Process]:
    """Processes that parse for this one; what others left as a zombie is none of them."""
    return [one for one in psutil.Process().children() if _parses(one)]


def _parses(process: psutil.Process) -> bool:
    try:
        return junit_apart.COMMAND[-1] in process.cmdline()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return False


def test_all_cases_come_in_order(tmp_path: Path) -> None:
    found = [one["check"] for one in read_junit(large(tmp_path, 20_000))]
    assert found == [f"t{number}" for number in range(20_000)]
    assert readers() == []


def test_what_is_wrong_is_said_after_what_is_right(tmp_path: Path) -> None:
    found: Iterator[dict[str, object]] = read_junit(large(tmp_path, 5000, end="</testsu"))
    checks = []
    with pytest.raises(JournalError, match=r"x\.xml: the file ends too early"):
        checks.extend(one["check"] for one in found)
    assert readers() == []


def test_it_ends_when_nobody_reads_on(tmp_path: Path) -> None:
    found = read_junit(large(tmp_path, 200_000))
    next(found)
    assert len(readers()) == 1
    found.close()  # type: ignore[attr-defined]
    assert readers() == []


@pytest.mark.parametrize("printed", ["", "\\0", "\\0\\0\\0\\x09half"])
def test_that_it_ended_early_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    program = f"print('{printed}', end='', flush=True); raise SystemExit(3)"
    monkeypatch.setattr(junit_apart, "COMMAND", ("-c", program))
    with pytest.raises(JournalError, match="the process that read it ended early, with 3"):
        list(read_junit(large(tmp_path, 1)))


def test_where_no_process_can_be_started_it_is_done_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", mock.Mock(side_effect=BlockingIOError))
    assert len(list(read_junit(large(tmp_path, 3)))) == 3


def test_small_files_and_single_processors_need_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(junit_apart, "COMMAND", ("-c", "raise SystemExit(3)"))
    file = large(tmp_path, 3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert len(list(read_junit(file))) == 3
    monkeypatch.undo()
    assert len(list(read_junit(file))) == 3
