"""Documents as pytest's reports, and own tests' reports as documents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lakecheck.documents import Redactor
from lakecheck.documents.junit import properties
from lakecheck.engine.calls import error_to_wire
from lakecheck.errors import DriverError, TesterFailed, Unclassified
from lakecheck.model import Case, Status
from lakecheck.pytest_plugin.items import CheckItem
from lakecheck.pytest_plugin.keys import state_of
from lakecheck.pytest_plugin.state import State
from lakecheck.views import failure

LETTERS: dict[Status, tuple[str, str, str]] = {
    "blocked": ("blocked", "b", "BLOCKED"),
    "not_run": ("not run", "n", "NOT RUN"),
}


PHASES = ("setup", "call", "teardown")


def run(item: CheckItem) -> None:
    """Wait for a check's document and report it."""
    hook, location = item.ihook, item.location
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=location)
    try:
        document = state_of(item.config).client().ask({"ask": "document", "check": item.address})
    except DriverError as error:
        document = {"status": "error", "error.class": "tester", "error.message": error.message}
    for report in reports(item, document):
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=location)


def reports(item: CheckItem, document: dict[str, Any]) -> list[pytest.TestReport]:
    """What pytest hears of one document; JUnit takes its properties from the second report."""
    status: Status = document["status"]
    now, took = time.time(), float(document.get("duration") or 0)
    fields = list(properties(document)) if item.config.getoption("xmlpath", None) else []

    def report(when: Any, outcome: Any, told: Any, seconds: float) -> pytest.TestReport:
        made = pytest.TestReport(
            item.nodeid,
            item.location,
            dict.fromkeys(item.keywords, 1),
            outcome,
            told,
            when,
            user_properties=fields,
            duration=seconds,
            start=now - seconds,
            stop=now,
        )
        made.__dict__["lakecheck"] = status
        return made

    if status == "passed":
        first = report("call", "passed", None, took)
    elif status == "failed":
        first = report("call", "failed", failure.explain(document), took)
    elif status in ("skipped", "blocked"):
        why = failure.sentence(document) if status == "blocked" else document.get("reason", "")
        first = report("call", "skipped", (str(item.path), None, f"Skipped: {why}"), took)
    else:
        # pytest calls what fails outside the call itself an error, and so does JUnit.
        first = report("setup", "failed", failure.explain(document), took)
    return [first, report("teardown", "passed", None, 0.0)] if fields else [first]


def teststatus(report: Any) -> tuple[str, str, Any] | None:
    """Category, letter and word of a status that pytest has no name for."""
    status = getattr(report, "lakecheck", None)
    if not status or report.when == "teardown":
        return None
    return LETTERS.get(status)


def own(item: pytest.Item, case: Case, call: pytest.CallInfo[Any], report: Any) -> None:
    """Remember an own test's phases; after the last one, send its outcome to the engine."""
    seen: dict[str, Any] = item.__dict__.setdefault(
        "_lakecheck_outcome", {"status": "passed", "duration": 0.0}
    )
    report.lakecheck = ""  # it is counted by its document
    _mask(report, state_of(item.config).redactor)
    if call.when == "call":
        seen["duration"] = call.duration
    if report.skipped and seen["status"] == "passed":
        seen.update(status="skipped", reason=_why_skipped(report))
    elif report.failed and seen["status"] == "passed":
        seen.update(_failed(call, report))
    if call.when == "teardown":
        client = state_of(item.config).client()
        told = {name: value for name, value in seen.items() if name != "document"}
        client.ask({"ask": "outcome", "check": case.checks[0], **told})
        if item.config.getoption("xmlpath", None):
            if "document" not in seen:  # the engine gives it once, and a test may be run again
                seen["document"] = client.ask({"ask": "document", "check": case.checks[0]})
            # The last of a name counts, and it is ours.
            report.user_properties = [*report.user_properties, *properties(seen["document"])]


def _mask(report: Any, redactor: Redactor) -> None:
    """Take secrets out of what pytest prints and writes of an own test."""
    report.sections = [(title, redactor.text(text)) for title, text in report.sections]
    report.user_properties = [(name, redactor.value(each)) for name, each in report.user_properties]
    if isinstance(report.longrepr, tuple):
        report.longrepr = (*report.longrepr[:2], redactor.text(str(report.longrepr[2])))
    elif report.longrepr:
        plain = str(report.longrepr)
        masked = redactor.text(plain)
        if masked != plain:
            report.longrepr = masked


def _why_skipped(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        why = str(report.wasxfail).removeprefix("reason: ")
        return f"it failed, as expected: {why}" if why else "it failed, as expected"
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(told).removeprefix("Skipped: ")


def _failed(call: pytest.CallInfo[Any], report: Any) -> dict[str, Any]:
    """Status and error of an exception: a driver's own class, an assertion, or our mistake."""
    error = call.excinfo.value if call.excinfo else AssertionError(str(report.longrepr))
    if isinstance(error, DriverError):
        told = error
    elif isinstance(error, AssertionError) and call.when == "call":
        told = Unclassified(str(error) or "the assertion does not hold", phase="call")
    else:
        told = TesterFailed(f"{type(error).__name__}: {error}", phase=call.when)
    status: Status = "error" if told.side == "tester" else "failed"
    return {"status": status, "error": error_to_wire(told)}


def _closing(crashed: pytest.TestReport) -> pytest.TestReport:
    """A tear-down, of which JUnit takes the properties, for a test whose process died."""
    made = pytest.TestReport(
        crashed.nodeid,
        crashed.location,
        {},
        "passed",
        None,
        "teardown",
        user_properties=crashed.user_properties,
    )
    made.__dict__.update(lakecheck="", node=getattr(crashed, "node", None))
    return made


class Counting:
    """Notes failures of tests that are not lakecheck's, for the exit code."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._failed: dict[tuple[str, object], pytest.TestReport] = {}  # own tests, in the call

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """Take note of one report."""
        self._note(report)
        yield
        if report.when not in PHASES and report.user_properties:
            hook = self._state.config.hook
            hook.pytest_runtest_logreport(report=_closing(report))

    def _note(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "lakecheck"):
            self._state.others_failed |= report.failed
            return
        test = report.nodeid, getattr(report, "node", None)
        if report.when == "call" and report.failed:
            self._failed[test] = report
        elif report.when == "teardown" and test in self._failed:
            # If the tear-down failed too, pytest's JUnit has two cases, one of each report.
            self._failed.pop(test).user_properties = report.user_properties
