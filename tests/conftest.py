"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakecheck.devlake import Lake


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A whole lake without faults; a test that spoils an RSE makes it well again."""
    with Lake.start(tmp_path_factory.mktemp("lake"), rses=3) as lake:
        yield lake


@pytest.fixture(scope="session")
def rucio_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Two storages with a Rucio that knows them; a test that changes it makes it well again."""
    folder = tmp_path_factory.mktemp("rucio-lake")
    with Lake.start(folder, only=["LAKE-1", "LAKE-2"], services=["rucio"]) as lake:
        yield lake
