"""run.log: lines without secrets, whatever the disk does."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from lakecheck.documents import Redactor
from lakecheck.documents.runlog import ROOT, RunLog

log = logging.getLogger("lakecheck.engine")


def test_it_takes_what_is_logged_between_open_and_close(tmp_path: Path) -> None:
    lines = RunLog(tmp_path / "run.log", Redactor(["hunter-two"]))
    before = list(ROOT.handlers), ROOT.level
    log.info("before")
    lines.open()
    lines.open()
    log.info("one hunter-two")
    try:
        raise ZeroDivisionError("hunter-two")
    except ZeroDivisionError:
        log.exception("two")
    lines.close()
    log.info("after")

    text = (tmp_path / "run.log").read_text()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO one \*\*\*\n", text)
    assert text.count("one ***") == 1
    assert "ERROR two\nTraceback" in text
    assert "ZeroDivisionError: ***" in text
    assert "hunter" not in text
    assert "before" not in text
    assert "after" not in text
    assert (list(ROOT.handlers), ROOT.level) == before


def test_a_disk_that_takes_nothing_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = RunLog(tmp_path / "missing" / "run.log", Redactor())
    lines.open()
    log.warning("lost")
    lines.close()

    assert capsys.readouterr().err == ""
