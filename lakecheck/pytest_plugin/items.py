"""Specs as pytest files, checks as items; light, so that a hundred thousand of them are few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lakecheck.model import Case
from lakecheck.plan.expand import CREDENTIALS
from lakecheck.pytest_plugin.keys import state_of


class LakeFile(pytest.File):
    """One `*.lake.yaml`; yields the tests that it defines."""

    def collect(self) -> Iterator[LakeTest]:
        """Every test of which `--rse` and `--protocol` leave a check."""
        for name, checks in state_of(self.config).tests_of(self.path).items():
            test: LakeTest = LakeTest.from_parent(self, name=name, checks=checks)
            yield test


class LakeTest(pytest.Collector):
    """One entry of `tests:`; yields its checks."""

    def __init__(self, *, checks: Sequence[tuple[Case, str]], **more: Any) -> None:
        super().__init__(**more)
        self.checks = checks

    def collect(self) -> Iterator[CheckItem]:
        """Every check, in the plan's order."""
        kind = self.checks[0][0].test.kind
        marks = [] if kind == CREDENTIALS else [getattr(pytest.mark, kind).mark]
        for case, step in self.checks:
            item: CheckItem = CheckItem.from_parent(
                self, name=f"{case.id}.{step}", case=case, step=step, marks=marks
            )
            yield item


class CheckItem(pytest.Item):
    """One check; its address follows its file's name in its node id."""

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
        return f"{self.case.test.name}::{self.name}"

    @property
    def extra_keyword_matches(self) -> set[str]:
        """Let `-k` find its address, also with `+` for `~`, which pytest's `-k` does not take."""
        return {self.address, self.address.replace("~", "+")}

    @extra_keyword_matches.setter
    def extra_keyword_matches(self, found: set[str]) -> None:
        """Take none: a set of its own would cost each of a hundred thousand checks memory."""

    @property
    def location(self) -> tuple[str, int | None, str]:
        """File, no line, address; a plain property, since pytest's own costs a path each time."""
        return (self.nodeid.split("::", 1)[0], None, self.address)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Name the spec's file and the check."""
        return self.path, None, self.address

    def runtest(self) -> None:
        """Nothing: the engine runs checks, see pytest_runtest_protocol."""
        raise AssertionError("a check is run by the engine")
