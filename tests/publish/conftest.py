"""Servers of each test, where its records wait, and what was said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakecheck.publish import command
from tests.publish.listeners import Broker, Server, serving


@pytest.fixture
def broker() -> Iterator[Broker]:
    with serving(Broker()) as broker:
        yield broker


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as server:
        yield server


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where records wait by default."""
    monkeypatch.delenv(command.URL, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "lakecheck" / "spool"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    """What was said since it was asked last; standard output has nothing ever."""

    def said() -> str:
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    return said
