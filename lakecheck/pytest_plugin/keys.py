"""Where pytest's configuration keeps the state of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lakecheck.pytest_plugin.state import State

STATE: pytest.StashKey[State] = pytest.StashKey()
