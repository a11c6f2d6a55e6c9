"""Specs as pytest files, checks as items; light, so that a hundred thousand of them are few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lakecheck.model import Case
from lakecheck.plan.expand import CREDENTIALS
from lakecheck.pytest_plugin.keys import STATE


class LakeFile(pytest.File):
    """One `*.lake.yaml`; yields the checks of the tests that it defines."""

    def collect(self) -> Iterator[CheckItem]:
        """Every check of its tests that `--rse` and `--protocol` leave."""
        state = self.config.stash[STATE]
        marks: dict[str, list[pytest.Mark]] = {}
        for case, step, address in state.checks_of(self.path):
            kind = case.test.kind
            if kind not in marks:
                marks[kind] = [] if kind == CREDENTIALS else [getattr(pytest.mark, kind).mark]
            item: CheckItem = CheckItem.from_parent(
                self, name=address, case=case, step=step, marks=marks[kind]
            )
            yield item


class CheckItem(pytest.Item):
    """One check: its name is its address."""

    def __init__(self, *, case: Case, step: str, marks: list[pytest.Mark], **more: Any) -> None:
        super().__init__(**more)
        self.case = case
        self.step = step
        self.own_markers = marks
        for mark in marks:
            self.keywords[mark.name] = mark

    @property
    def address(self) -> str:
        """`TEST::CASE.CHECK`."""
        return self.name

    @property
    def location(self) -> tuple[str, int | None, str]:
        """File, no line, address; a plain property, since pytest's own costs a path each time."""
        return (self.nodeid.split("::", 1)[0], None, self.name)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the spec's file and the check."""
        return self.path, None, self.name

    def runtest(self) -> None:
        """Nothing: the engine runs checks, see pytest_runtest_protocol."""
        raise AssertionError("a check is run by the engine")
