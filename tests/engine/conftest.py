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
