from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakecheck.devlake import Lake
from tests.devlake.clients import Clients


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of one module's own, to be spoiled as it likes."""
    only = ["LAKE-1", "LAKE-REDIR", "LAKE-GSIFTP", "LAKE-APACHE"]
    with Lake.start(tmp_path_factory.mktemp("spoiled"), only=only) as lake:
        yield lake


@pytest.fixture
def clients(spoiled: Lake, tmp_path: Path) -> Clients:
    return Clients(spoiled, tmp_path)


def processes_of(run: str) -> list[str]:
    """Command lines of what still works in a lake's run folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or []
        if any(run in part for part in command) and process.info["status"] != "zombie":
            found.append(" ".join(command))
    return found
