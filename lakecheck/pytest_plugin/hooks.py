"""Hooks that a lake's conftest.py can implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lakecheck.documents.result import Result
    from lakecheck.model import Case


def pytest_lakecheck_modify_plan(config: pytest.Config, cases: list[Case]) -> None:
    """Change the planned cases in place; called in every process, so it must always agree."""


def pytest_lakecheck_result(config: pytest.Config, result: Result) -> None:
    """Hear of each result as it comes; called in the controlling process, in another thread."""


def pytest_lakecheck_document(config: pytest.Config, document: dict[str, Any]) -> None:
    """Add fields to a document before it is kept; called where and when results are heard of."""
