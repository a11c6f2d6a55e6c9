"""How Rucio's own environment is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.devlake import fetch
from lakecheck.devlake.rucio import environment
from lakecheck.errors import LakecheckError


def test_packages_that_cannot_be_fetched_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SHARED_CACHE", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    for name in ("UV_NO_CACHE", "PIP_NO_CACHE_DIR"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("UV_EXTRA_INDEX_URL", raising=False)
    with pytest.raises(
        LakecheckError, match=r"Rucio's environment cannot be made: .*(refused|alembic)"
    ):
        environment.fetched()
    assert list(tmp_path.rglob("rucio-*")) == []


def test_it_is_made_once_and_holds_what_the_servers_need() -> None:
    folder = environment.fetched()
    before = folder.stat().st_mtime_ns
    assert environment.fetched() == folder
    assert folder.stat().st_mtime_ns == before
    packages = environment.packages_of(folder)
    assert list(packages.glob("gfal2.*.so"))
    assert list(packages.glob("rucio/core/__pycache__/rule.*.pyc"))
    assert environment.python_of(folder).exists()
