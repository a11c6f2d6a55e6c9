"""A pytest plug-in for ci/test: counts the tests that had real servers, and forbids skips in CI.

Whatever starts through `Lake.start` counts for the test that runs then, or for every test whose
fixtures hold it. Lakes that a test starts through the command line are not seen.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lakecheck.devlake import Lake

Servers = frozenset[str]


class Census:
    """Which servers each fixture and each test started."""

    def __init__(self) -> None:
        self.by_fixture: dict[str, Servers] = {}
        self.by_test: dict[str, Servers] = {}
        self._open: list[set[str]] = []

    def started(self, lake: Lake) -> None:
        for servers in self._open[-1:]:
            servers.update(f"{one.program} {one.version}" for one in lake.record.servers)

    @contextmanager
    def watch(self) -> Iterator[set[str]]:
        self._open.append(set())
        try:
            yield self._open[-1]
        finally:
            self._open.pop()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        with self.watch() as servers:
            result = yield
        if servers:
            self.by_fixture[fixturedef.argname] = frozenset(servers)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with self.watch() as servers:
            try:
                return (yield)
            finally:
                # What runs over the memory driver uses no server, though its fixtures hold some.
                names = [] if "[memory" in item.nodeid else getattr(item, "fixturenames", ())
                held = [self.by_fixture.get(name, ()) for name in names]
                self.by_test[item.nodeid] = frozenset(servers).union(*held)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        used = [servers for servers in self.by_test.values() if servers]
        each = Counter(server for servers in used for server in servers)
        names = ", ".join(f"{name} ({each[name]})" for name in sorted(each)) or "none"
        terminalreporter.write_line(f"{len(used)} checks ran against real servers: {names}")


class NoSkips:
    """Makes a failure of every skipped test and module."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        report = yield
        if not hasattr(report, "wasxfail"):
            fail(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Iterator[None]:
        report = yield
        fail(report)
        return report


def fail(report: Any) -> None:
    if report.skipped:
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{reason}\nNothing may be skipped where CI=true."


def pytest_configure(config: pytest.Config) -> None:
    census = Census()
    start = Lake.start

    def counted(*arguments: Any, **options: Any) -> Lake:
        lake = start(*arguments, **options)
        census.started(lake)
        return lake

    Lake.start = counted  # type: ignore[method-assign]
    config.add_cleanup(lambda: setattr(Lake, "start", start))
    config.pluginmanager.register(census, "lakecheck-census")
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NoSkips(), "lakecheck-no-skips")
