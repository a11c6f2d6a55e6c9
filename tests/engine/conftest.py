"""What the engine's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakecheck.devlake import Lake
from tests.engine.runs import end_all


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """Leave no run behind, however a test ends."""
    yield
    end_all()


@pytest.fixture(scope="package")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Two XRootD RSEs; a test that spoils one makes it well again."""
    with Lake.start(tmp_path_factory.mktemp("pair"), only=["LAKE-1", "LAKE-2"]) as lake:
        yield lake


@pytest.fixture(scope="package")
def fts_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Three XRootD RSEs with an FTS; a test that spoils one makes it well again."""
    only = ["LAKE-1", "LAKE-2", "LAKE-3"]
    with Lake.start(tmp_path_factory.mktemp("fts"), only=only, services=["fts"]) as lake:
        yield lake
