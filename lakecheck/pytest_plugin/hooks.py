"""Hooks that a lake's conftest.py can implement."""

from __future__ import annotations

from typing import Any

import pytest

from lakecheck.model import Case


def pytest_lakecheck_modify_plan(config: pytest.Config, cases: list[Case]) -> None:
    """Change the planned cases in place; called in every process, so it must always agree."""


def pytest_lakecheck_document(config: pytest.Config, document: dict[str, Any]) -> None:
    """See each document once it is in the journal; called in the controlling process only."""
