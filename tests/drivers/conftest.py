from __future__ import annotations

from pathlib import Path

import pytest

FAKE = "tests.drivers.fake_calls"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of the module with fake calls, which worker processes can import."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return FAKE
